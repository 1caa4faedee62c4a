{{- /* What is special about the consumer, as YAML: where it listens, how long it takes to stop, and what else its pods have. */ -}}
{{- $config := .Values.config -}}
{{- $channels := dig "saf" "channels" dict $config -}}
{{- $slowest := 30 -}}
{{- range $name, $channel := $channels -}}
{{- $slowest = max $slowest (include "saf.seconds" (dig "timeout" "30s" ($channel | default dict)) | int) -}}
{{- end -}}
{{- $phase := include "saf.seconds" (dig "spring" "lifecycle" "timeout-per-shutdown-phase" "30s" $config) -}}
{{- $bundles := dict -}}
{{- $ofChannels := dict -}}
{{- $problems := list -}}
{{- range $name, $secret := .Values.channelSecrets -}}
{{- if not (hasKey $channels $name) -}}
{{- $problems = append $problems (printf "channelSecrets.%s is for a channel that is not in config.saf.channels" $name) -}}
{{- end -}}
{{- if and $secret.properties (not $secret.existingSecret) -}}
{{- $problems = append $problems (printf "channelSecrets.%s.properties needs channelSecrets.%s.existingSecret to take them from" $name $name) -}}
{{- end -}}
{{- range $property, $_ := $secret.properties -}}
{{- if hasKey (get $channels $name | default dict) $property -}}
{{- $problems = append $problems (printf "%s of channel %s is both in config.saf.channels and in channelSecrets: leave out one of them" $property $name) -}}
{{- end -}}
{{- end -}}
{{- with $secret.tls -}}
{{- $folder := printf "/etc/saf/channels/%s/tls" $name -}}
{{- $bundle := include "saf.bundle" (dict "folder" $folder "mutual" .mutual) | fromYaml -}}
{{- $_ := set $bundles (printf "channel-%s" $name) $bundle -}}
{{- $_ := set $ofChannels $name (dict "ssl-bundle" (printf "channel-%s" $name)) -}}
{{- end -}}
{{- end -}}
{{- if not (or $channels .Values.extraEnv .Values.extraEnvFrom) -}}
{{- $problems = append $problems "config.saf.channels has no channel, so no event would go anywhere: set one, for example config.saf.channels.log.type=log" -}}
{{- end -}}
{{- if and .Values.keda.enabled .Values.autoscaling.enabled -}}
{{- $problems = append $problems "keda and autoscaling are both enabled: two autoscalers would fight over the number of pods, enable one of them" -}}
{{- end -}}
{{- if and .Values.keda.enabled (not .Values.keda.monitoringEndpoint) -}}
{{- $problems = append $problems "keda.monitoringEndpoint is empty: KEDA asks NATS's monitoring for the lag, for example at nats-headless.nats:8222" -}}
{{- end -}}
{{- if and .Values.keda.enabled (not (include "saf-consumer.durables" .)) -}}
{{- $problems = append $problems "keda is enabled, but no channel in config.saf.channels has a durable whose lag it could go by" -}}
{{- end -}}
{{- if and .Values.keda.enabled (gt (int .Values.keda.minReplicaCount) (int .Values.keda.maxReplicaCount)) -}}
{{- $problems = append $problems "keda.minReplicaCount is more than keda.maxReplicaCount" -}}
{{- end -}}
{{- $document := dict -}}
{{- if $bundles -}}
{{- $document = dict "saf" (dict "channels" $ofChannels) "spring" (dict "ssl" (dict "bundle" (dict "pem" $bundles))) -}}
{{- end -}}
{{- if .Values.api.enabled -}}
{{- $document = merge $document (dict "saf" (dict "api" (dict "address" "0.0.0.0"))) -}}
{{- end -}}
component: consumer
ports:
  {{- if .Values.api.enabled }}
  http: {{ dig "server" "port" 1380 $config | int }}
  {{- end }}
  management: {{ dig "management" "server" "port" 1381 $config | int }}
open: {{ .Values.api.enabled }}
{{- /* The slowest delivery and what follows it, then the requests to the API. */}}
shutdownSeconds: {{ add $slowest 15 $phase }}
document:
  {{- toYaml $document | nindent 2 }}
env:
  {{- range $name, $secret := .Values.channelSecrets }}
  {{- range $property, $key := $secret.properties }}
  - name: SAF_CHANNELS_{{ replace "-" "" $name | upper }}_{{ replace "-" "" $property | replace "." "_" | upper }}
    valueFrom:
      secretKeyRef:
        name: {{ $secret.existingSecret }}
        key: {{ $key }}
  {{- end }}
  {{- end }}
problems:
  {{- toYaml $problems | nindent 2 }}
volumes:
  {{- range $name, $_ := $ofChannels }}
  - name: channel-{{ $name }}-tls
    secret:
      secretName: {{ (index $.Values.channelSecrets $name).tls.existingSecret }}
      defaultMode: 0440
  {{- end }}
volumeMounts:
  {{- range $name, $_ := $ofChannels }}
  - name: channel-{{ $name }}-tls
    mountPath: /etc/saf/channels/{{ $name }}/tls
    readOnly: true
  {{- end }}
