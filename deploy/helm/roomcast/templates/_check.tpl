{{/* roomcast.check ends the rendering when values contradict each other. The schema checks single values. */}}
{{- define "roomcast.check" -}}
{{- $redis := include "roomcast.hasRedis" . }}
{{- if and (gt (int .Values.replicas) 1) (not $redis) }}
{{- fail (printf "replicas is %d, and needs redis.url or redis.existingSecret: without Redis each pod has notifications and clients of its own, and a publish reaches only those of one pod" (int .Values.replicas)) }}
{{- end }}
{{- if and .Values.autoscaling.enabled (not $redis) }}
{{- fail "autoscaling.enabled needs redis.url or redis.existingSecret: without Redis each pod has notifications and clients of its own" }}
{{- end }}
{{- if and .Values.autoscaling.enabled (not .Values.metrics.enabled) }}
{{- fail "autoscaling.enabled needs metrics.enabled: the number of connections is a metric" }}
{{- end }}
{{- if and .Values.autoscaling.enabled .Values.persistence.enabled }}
{{- fail "autoscaling.enabled and persistence.enabled exclude each other: the volume of a removed pod would keep its webhooks until the pod comes back" }}
{{- end }}
{{- if gt (int .Values.autoscaling.minReplicas) (int .Values.autoscaling.maxReplicas) }}
{{- fail (printf "autoscaling.minReplicas is %d, allowed: at most autoscaling.maxReplicas, %d" (int .Values.autoscaling.minReplicas) (int .Values.autoscaling.maxReplicas)) }}
{{- end }}
{{- if and .Values.redis.url .Values.redis.existingSecret }}
{{- fail "redis.url and redis.existingSecret exclude each other" }}
{{- end }}
{{- $own := or .Values.secret.apiKeys .Values.secret.jwtSecret .Values.secret.adminKey .Values.secret.hookSecret }}
{{- if and .Values.existingSecret $own }}
{{- fail "existingSecret and the values of secret exclude each other" }}
{{- end }}
{{- if and (not .Values.existingSecret) (not .Values.secret.apiKeys) }}
{{- fail "existingSecret is empty, and so is secret.apiKeys. Make a Secret once, and name it: kubectl create secret generic roomcast-keys --from-literal=API_KEYS=$(openssl rand -hex 32) --from-literal=JWT_SECRET=$(openssl rand -hex 32) --from-literal=ADMIN_KEY=$(openssl rand -hex 32), then --set existingSecret=roomcast-keys" }}
{{- end }}
{{- if and .Values.metrics.enabled (not .Values.existingSecret) (not .Values.secret.adminKey) }}
{{- fail "metrics.enabled needs ADMIN_KEY in existingSecret, or secret.adminKey: other pods can reach the metrics" }}
{{- end }}
{{- if and .Values.metrics.serviceMonitor.enabled (not .Values.metrics.enabled) }}
{{- fail "metrics.serviceMonitor.enabled needs metrics.enabled" }}
{{- end }}
{{- if and .Values.ingress.enabled (not .Values.ingress.hosts) }}
{{- fail "ingress.enabled needs ingress.hosts" }}
{{- end }}
{{- $places := dict "API_KEYS" "secret.apiKeys" "JWT_SECRET" "secret.jwtSecret" "ADMIN_KEY" "secret.adminKey" "HOOK_SECRET" "secret.hookSecret" "REDIS_URL" "redis" "SECRETS_DIR" "existingSecret" "DRAIN_TIMEOUT" "drainSeconds" "DATA_DIR" "persistence" "ADMIN_ADDR" "metrics" "HOST" "service" "PORT" "service.port" }}
{{- range $name, $value := .Values.config }}
{{- with get $places $name }}
{{- fail (printf "config.%s: set %s instead" $name .) }}
{{- end }}
{{- end }}
{{- end }}
