{{- define "roomcast.name" -}}
{{- $name := .Release.Name }}
{{- if not (contains .Chart.Name $name) }}{{ $name = printf "%s-%s" $name .Chart.Name }}{{ end }}
{{- $name | trunc 52 | trimSuffix "-" }}
{{- end }}

{{- define "roomcast.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "roomcast.labels" -}}
{{ include "roomcast.selector" . }}
app.kubernetes.io/version: {{ .Values.image.tag | default .Chart.AppVersion | trunc 63 | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name (.Chart.Version | replace "+" "_") }}
{{- end }}

{{- define "roomcast.image" -}}
{{- if .Values.image.digest }}{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else }}{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end }}
{{- end }}

{{- define "roomcast.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}{{ .Values.serviceAccount.name | default (include "roomcast.name" .) }}
{{- else }}{{ .Values.serviceAccount.name | default "default" }}{{ end }}
{{- end }}

{{- define "roomcast.secret" -}}
{{ .Values.existingSecret | default (include "roomcast.name" .) }}
{{- end }}

{{- define "roomcast.hasRedis" -}}
{{ if or .Values.redis.url .Values.redis.existingSecret }}yes{{ end }}
{{- end }}

{{/* 25 s is the server's own DRAIN_TIMEOUT. */}}
{{- define "roomcast.graceSeconds" -}}
{{ add (max .Values.drainSeconds 25) .Values.preStopSeconds 15 }}
{{- end }}

{{- define "roomcast.peers" -}}
- podSelector:
    matchLabels: {{- include "roomcast.selector" . | nindent 6 }}
{{- end }}
