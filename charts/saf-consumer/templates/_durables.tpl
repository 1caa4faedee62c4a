{{- /* The names of the channels that have a durable, separated by spaces. */ -}}
{{- define "saf-consumer.durables" -}}
{{- $names := list -}}
{{- range $name, $channel := dig "saf" "channels" dict .Values.config -}}
{{- if ne (dig "mode" "stream" ($channel | default dict)) "core" -}}
{{- $names = append $names $name -}}
{{- end -}}
{{- end -}}
{{- join " " $names -}}
{{- end -}}

{{- /* A consumer as the service would create it. Takes root, name, stream, filters, channel, and whether it is due. */ -}}
{{- define "saf-consumer.durable" -}}
{{- $channel := .channel -}}
{{- $ack := ternary "explicit" (dig "ack" "explicit" $channel) .due -}}
{{- $deliver := ternary "all" (dig "deliver" "all" $channel) .due -}}
---
apiVersion: jetstream.nats.io/v1beta2
kind: Consumer
metadata:
  name: {{ include "saf.fullname" .root }}-{{ .name | trimPrefix "saf-" }}
  labels:
    {{- include "saf.labels" .root | nindent 4 }}
spec:
  {{- include "saf-consumer.nack" .root | nindent 2 }}
  streamName: {{ .stream }}
  durableName: {{ .name }}
  deliverPolicy: {{ get (dict "all" "all" "new" "new" "last" "last" "last-per-subject" "lastPerSubject" "from-sequence" "byStartSequence" "from-time" "byStartTime") $deliver }}
  {{- if eq $deliver "from-sequence" }}
  optStartSeq: {{ index $channel "deliver-sequence" | int64 }}
  {{- end }}
  {{- if eq $deliver "from-time" }}
  optStartTime: {{ index $channel "deliver-time" | quote }}
  {{- end }}
  {{- if eq (len .filters) 1 }}
  filterSubject: {{ first .filters | quote }}
  {{- else }}
  filterSubjects:
    {{- toYaml .filters | nindent 4 }}
  {{- end }}
  ackPolicy: {{ $ack }}
  {{- if ne $ack "none" }}
  ackWait: {{ include "saf.millis" (dig "ack-wait" "30s" $channel) }}ms
  maxAckPending: {{ dig "max-ack-pending" (max 1000 (mul 4 (dig "concurrency" 64 $channel | int64))) $channel | int64 }}
  {{- end }}
  maxDeliver: -1
  replayPolicy: {{ ternary "instant" (dig "replay" "instant" $channel) .due }}
  headersOnly: {{ dig "headers-only" false $channel }}
  {{- $sample := ternary 0 (dig "sample" 0 $channel) .due | int }}
  {{- if $sample }}
  sampleFreq: {{ $sample | quote }}
  {{- end }}
{{- end -}}

{{- /* What all resources of the controller have. */ -}}
{{- define "saf-consumer.nack" -}}
{{- with .Values.nack.account -}}
account: {{ . }}
{{ end -}}
preventDelete: {{ .Values.nack.preventDelete }}
{{- end -}}

{{- /* A stream. Takes root, name, the configured settings, those of events, and the rest of its spec. */ -}}
{{- define "saf-consumer.stream" -}}
{{- $own := .settings -}}
---
apiVersion: jetstream.nats.io/v1beta2
kind: Stream
metadata:
  name: {{ include "saf.fullname" .root }}-{{ .resource }}
  labels:
    {{- include "saf.labels" .root | nindent 4 }}
spec:
  {{- include "saf-consumer.nack" .root | nindent 2 }}
  name: {{ .name }}
  {{- with $own.description }}
  description: {{ . | quote }}
  {{- end }}
  retention: limits
  storage: {{ $own.storage | default .events.storage | default "file" }}
  replicas: {{ $own.replicas | default .events.replicas | default 1 | int }}
  compression: {{ $own.compression | default "none" }}
  {{- $placement := dict }}
  {{- range list .events $own }}
  {{- if or (dig "placement" "cluster" "" .) (dig "placement" "tags" "" .) }}
  {{- $placement = .placement }}
  {{- end }}
  {{- end }}
  {{- with $placement }}
  placement:
    {{- with .cluster }}
    cluster: {{ . }}
    {{- end }}
    {{- with .tags }}
    tags:
      {{- toYaml (include "saf-consumer.list" . | fromYamlArray) | nindent 6 }}
    {{- end }}
  {{- end }}
  {{- with $own.metadata }}
  metadata:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- toYaml .rest | nindent 2 }}
{{- end -}}

{{- /* What the service takes as a list or as text with commas, as a list. */ -}}
{{- define "saf-consumer.list" -}}
{{- $list := list -}}
{{- range ternary . (splitList "," (toString .)) (kindIs "slice" .) -}}
{{- $list = append $list (trim .) -}}
{{- end -}}
{{- toYaml $list -}}
{{- end -}}
