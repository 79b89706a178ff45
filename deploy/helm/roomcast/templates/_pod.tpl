{{/* roomcast.pod is the template of the pods, for the Deployment and for the StatefulSet. */}}
{{- define "roomcast.pod" -}}
metadata:
  labels:
    # Not the version of the chart: another one does not have to replace the pods.
    {{- include "roomcast.selector" . | nindent 4 }}
    {{- with .Values.podLabels }}{{ toYaml . | nindent 4 }}{{ end }}
  annotations:
    # Pods do not see changes of their environment, so a change replaces them. They see other secrets, which are files,
    # and need a restart for the first JWT_SECRET, ADMIN_KEY or HOOK_SECRET.
    checksum/settings: {{ toJson (list .Values.config .Values.redis (empty .Values.secret.jwtSecret) (empty .Values.secret.adminKey) (empty .Values.secret.hookSecret)) | sha256sum }}
    {{- with .Values.podAnnotations }}{{ toYaml . | nindent 4 }}{{ end }}
spec:
  serviceAccountName: {{ include "roomcast.serviceAccount" . }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ include "roomcast.graceSeconds" . }}
  {{- with .Values.imagePullSecrets }}
  imagePullSecrets: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 65532
    runAsGroup: 65532
    fsGroup: 65532
    fsGroupChangePolicy: OnRootMismatch
    seccompProfile: { type: RuntimeDefault }
  containers:
    - name: roomcast
      image: {{ include "roomcast.image" . | quote }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      args: [serve]
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities: { drop: [ALL] }
      env: {{- include "roomcast.env" . | nindent 8 }}
      ports:
        - { name: http, containerPort: 3000 }
        {{- if .Values.metrics.enabled }}
        - { name: admin, containerPort: 9090 }
        {{- end }}
      # While the server starts it may repair a volume, which takes up to 20 s.
      startupProbe:
        httpGet: { path: /livez, port: http }
        periodSeconds: 2
        failureThreshold: 45
      readinessProbe:
        httpGet: { path: /readyz, port: http }
        periodSeconds: 3
        timeoutSeconds: 3
        failureThreshold: 3
      # Patient: a pod that is killed because it is busy sends its clients to the others, which are then busier.
      livenessProbe:
        httpGet: { path: /livez, port: http }
        periodSeconds: 10
        timeoutSeconds: 5
        failureThreshold: 6
      lifecycle:
        preStop:
          sleep: { seconds: {{ .Values.preStopSeconds }} }
      resources: {{- toYaml .Values.resources | nindent 8 }}
      volumeMounts:
        - { name: data, mountPath: /data }
        - { name: secrets, mountPath: /secrets, readOnly: true }
        {{- with .Values.extraVolumeMounts }}{{ toYaml . | nindent 8 }}{{ end }}
  volumes:
    # Not the whole Secret, which may be for others too.
    - name: secrets
      projected:
        defaultMode: 0440
        sources:
          {{- range list "API_KEYS" "JWT_SECRET" "ADMIN_KEY" "HOOK_SECRET" }}
          - secret: { name: {{ include "roomcast.secret" $ }}, items: [{ key: {{ . }}, path: {{ . }} }], optional: {{ not (or (eq . "API_KEYS") (and (eq . "ADMIN_KEY") $.Values.metrics.enabled)) }} }
          {{- end }}
          {{- with .Values.redis.existingSecret }}
          - secret: { name: {{ . }}, items: [{ key: {{ $.Values.redis.existingSecretKey }}, path: REDIS_URL }], optional: false }
          {{- end }}
    {{- if not .Values.persistence.enabled }}
    # The image names /data a volume, which an engine would else make on the disk of the node.
    - { name: data, emptyDir: { sizeLimit: 64Mi } }
    {{- end }}
    {{- with .Values.extraVolumes }}{{ toYaml . | nindent 4 }}{{ end }}
  topologySpreadConstraints:
    {{- if .Values.topologySpreadConstraints }}
    {{- toYaml .Values.topologySpreadConstraints | nindent 4 }}
    {{- else }}
    {{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
    - maxSkew: 1
      topologyKey: {{ . }}
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels: {{- include "roomcast.selector" $ | nindent 10 }}
    {{- end }}
    {{- end }}
  {{- with .Values.nodeSelector }}
  nodeSelector: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.affinity }}
  affinity: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.tolerations }}
  tolerations: {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}

{{- define "roomcast.env" -}}
{{- if include "roomcast.hasRedis" . }}
- name: POD_IP
  valueFrom:
    fieldRef: { fieldPath: status.podIP }
{{- if not .Values.config.CLUSTER_ADVERTISE }}
# A pod passes requests for sessions of another pod on to it, so no sticky sessions are needed.
- { name: CLUSTER_ADVERTISE, value: "http://$(POD_IP):3000" }
{{- end }}
{{- end }}
- { name: HOST, value: 0.0.0.0 }
- { name: ENV, value: production }
{{- if or (include "roomcast.hasRedis" .) (not .Values.persistence.enabled) }}
- { name: DRAIN_TIMEOUT, value: {{ .Values.drainSeconds }}s }
{{- end }}
- { name: DATA_DIR, value: {{ if .Values.persistence.enabled }}/data{{ else }}""{{ end }} }
- { name: ADMIN_ADDR, value: {{ if .Values.metrics.enabled }}"0.0.0.0:9090"{{ else }}"off"{{ end }} }
{{- range $name, $value := .Values.config }}
- { name: {{ $name }}, value: {{ if kindIs "slice" $value }}{{ join "," $value | quote }}{{ else if kindIs "float64" $value }}{{ $value | int64 | quote }}{{ else }}{{ $value | toString | quote }}{{ end }} }
{{- end }}
- { name: SECRETS_DIR, value: /secrets }
{{- with .Values.redis.url }}
- { name: REDIS_URL, value: {{ . | quote }} }
{{- end }}
{{- end }}
