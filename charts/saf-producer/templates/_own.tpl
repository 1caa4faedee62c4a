{{- /* What is special about the producer, as YAML: where it listens, how long it takes to stop, and what else its pods have. */ -}}
{{- $config := .Values.config -}}
{{- /* It drains for 3 s at most, then answers what is under way. */ -}}
{{- $phase := include "saf.seconds" (dig "spring" "lifecycle" "timeout-per-shutdown-phase" "30s" $config) -}}
component: producer
ports:
  http: {{ dig "server" "port" 1378 $config | int }}
  management: {{ dig "management" "server" "port" 1379 $config | int }}
open: true
shutdownSeconds: {{ add 3 $phase }}
document: {}
env: []
volumes: []
volumeMounts: []
{{- if and .Values.httpRoute.enabled (not .Values.httpRoute.parentRefs) }}
problems:
  - httpRoute.parentRefs is empty, so no Gateway would take the route
{{- else }}
problems: []
{{- end }}
