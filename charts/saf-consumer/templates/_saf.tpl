{{- /* The same file in both charts, as are all templates that do not begin with _own or NOTES; a test holds them to it.
What differs between the services is said by _own.tpl. */ -}}

{{- define "saf.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "saf.selector" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "saf.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "saf.selector" . }}
app.kubernetes.io/version: {{ default .Chart.AppVersion .Values.image.tag | trunc 63 | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: saf
{{- end -}}

{{- define "saf.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{- define "saf.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "saf.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- /* A duration as the services read it, in milliseconds. */ -}}
{{- define "saf.millis" -}}
{{- $text := . | toString | trim | lower -}}
{{- if not (regexMatch "^[0-9]+(ms|s|m|h|d)?$" $text) -}}
{{- fail (printf "%q is no duration this chart can read; write it as 500ms, 30s, 10m, 1h or 7d" $text) -}}
{{- end -}}
{{- $unit := regexFind "[a-z]+$" $text | default "ms" -}}
{{- mul (regexFind "^[0-9]+" $text | int64) (get (dict "ms" 1 "s" 1000 "m" 60000 "h" 3600000 "d" 86400000) $unit) -}}
{{- end -}}

{{- /* A duration in whole seconds, never less than it is. */ -}}
{{- define "saf.seconds" -}}
{{- div (add (include "saf.millis" . | int64) 999) 1000 -}}
{{- end -}}

{{- /* A size as the services read it, in bytes. */ -}}
{{- define "saf.bytes" -}}
{{- $text := . | toString | trim | upper -}}
{{- if not (regexMatch "^[0-9]+(B|KB|MB|GB|TB)?$" $text) -}}
{{- fail (printf "%q is no size this chart can read; write it as 512KB, 256MB or 1GB" $text) -}}
{{- end -}}
{{- $unit := regexFind "[A-Z]+$" $text | default "B" -}}
{{- $units := dict "B" 1 "KB" 1024 "MB" 1048576 "GB" 1073741824 "TB" 1099511627776 -}}
{{- mul (regexFind "^[0-9]+" $text | int64) (get $units $unit) -}}
{{- end -}}

{{- /* What _own.tpl says of this service, as YAML. */ -}}
{{- define "saf.own" -}}
{{- include (print .Template.BasePath "/_own.tpl") . -}}
{{- end -}}

{{- /* The document that the service reads: config, completed by what other values say. */ -}}
{{- define "saf.document" -}}
{{- $nats := dict "servers" (list) -}}
{{- range .Values.nats.servers -}}
{{- $_ := set $nats "servers" (append $nats.servers (tpl . $)) -}}
{{- end -}}
{{- $completed := dict "saf" (dict "nats" $nats) -}}
{{- if .Values.nats.tls.existingSecret -}}
{{- $_ := set $nats "ssl-bundle" "nats" -}}
{{- $bundle := include "saf.bundle" (dict "folder" "/etc/saf/nats-tls" "mutual" .Values.nats.tls.mutual) | fromYaml -}}
{{- $_ := set $completed "spring" (dict "ssl" (dict "bundle" (dict "pem" (dict "nats" $bundle)))) -}}
{{- end -}}
{{- $own := include "saf.own" . | fromYaml -}}
{{- mergeOverwrite (deepCopy .Values.config) $completed $own.document | toYaml -}}
{{- end -}}

{{- /* A bundle of certificates in files that are read again when they change. */ -}}
{{- define "saf.bundle" -}}
reload-on-update: true
truststore:
  certificate: file:{{ .folder }}/ca.crt
{{- if .mutual }}
keystore:
  certificate: file:{{ .folder }}/tls.crt
  private-key: file:{{ .folder }}/tls.key
{{- end }}
{{- end -}}

{{- /* The name of the Secret with the credentials for NATS, empty if there are none. */ -}}
{{- define "saf.credentials" -}}
{{- if .Values.nats.credentials.inline -}}
{{- printf "%s-nats" (include "saf.fullname" .) -}}
{{- else -}}
{{- .Values.nats.credentials.existingSecret -}}
{{- end -}}
{{- end -}}

{{- /* What every container of the service has, so that a check sees what the service will see. */ -}}
{{- define "saf.container" -}}
{{- $own := include "saf.own" . | fromYaml -}}
{{- $credentials := .Values.nats.credentials -}}
{{- $secret := include "saf.credentials" . -}}
{{- $credentialsFile := has $credentials.type (list "nkey" "credentials") -}}
image: {{ include "saf.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  {{- toYaml .Values.securityContext | nindent 2 }}
env:
  - name: SPRING_CONFIG_ADDITIONAL_LOCATION
    value: file:/etc/saf/config/
  {{- with .Values.javaOptions }}
  - name: JAVA_TOOL_OPTIONS
    value: {{ . | quote }}
  {{- end }}
  {{- if eq $credentials.type "user" }}
  - name: SAF_NATS_USER
    valueFrom:
      secretKeyRef:
        name: {{ $secret }}
        key: user
  - name: SAF_NATS_PASSWORD
    valueFrom:
      secretKeyRef:
        name: {{ $secret }}
        key: password
  {{- else if eq $credentials.type "token" }}
  - name: SAF_NATS_TOKEN
    valueFrom:
      secretKeyRef:
        name: {{ $secret }}
        key: token
  {{- else if $credentialsFile }}
  - name: SAF_NATS_{{ upper $credentials.type }}
    value: /etc/saf/nats-credentials/{{ $credentials.type }}
  {{- end }}
  {{- with $own.env }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
  {{- with .Values.extraEnv }}
  {{- tpl (toYaml .) $ | nindent 2 }}
  {{- end }}
{{- with .Values.extraEnvFrom }}
envFrom:
  {{- tpl (toYaml .) $ | nindent 2 }}
{{- end }}
{{- with .Values.resources }}
resources:
  {{- toYaml . | nindent 2 }}
{{- end }}
volumeMounts:
  - name: config
    mountPath: /etc/saf/config
    readOnly: true
  - name: tmp
    mountPath: /tmp
  {{- if $credentialsFile }}
  - name: nats-credentials
    mountPath: /etc/saf/nats-credentials
    readOnly: true
  {{- end }}
  {{- if .Values.nats.tls.existingSecret }}
  - name: nats-tls
    mountPath: /etc/saf/nats-tls
    readOnly: true
  {{- end }}
  {{- with $own.volumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
  {{- with .Values.extraVolumeMounts }}
  {{- tpl (toYaml .) $ | nindent 2 }}
  {{- end }}
{{- end -}}

{{- /* Seconds from SIGTERM to SIGKILL, and what the service may take of them. */ -}}
{{- define "saf.grace" -}}
{{- $own := include "saf.own" . | fromYaml -}}
{{- add .Values.preStopSeconds $own.shutdownSeconds 10 -}}
{{- end -}}

{{- /* Refuses values that contradict each other, all of them at once. The schema has refused what is wrong by itself. */ -}}
{{- define "saf.check" -}}
{{- $own := include "saf.own" . | fromYaml -}}
{{- $problems := $own.problems | default list -}}
{{- $credentials := .Values.nats.credentials -}}
{{- if and $credentials.inline $credentials.existingSecret -}}
{{- $problems = append $problems "nats.credentials has both inline and existingSecret: credentials come from one place, leave out the other" -}}
{{- end -}}
{{- if and (eq $credentials.type "none") (or $credentials.inline $credentials.existingSecret) -}}
{{- $problems = append $problems "nats.credentials has a secret but the type none: say what is in it, one of user, token, nkey and credentials" -}}
{{- end -}}
{{- if and (ne $credentials.type "none") (not $credentials.inline) (not $credentials.existingSecret) -}}
{{- $problems = append $problems (printf "nats.credentials.type is %s, but there is neither existingSecret nor inline to take it from" $credentials.type) -}}
{{- end -}}
{{- if and $credentials.inline (ne $credentials.type "none") -}}
{{- $needed := ternary (list "user" "password") (list $credentials.type) (eq $credentials.type "user") -}}
{{- if ne (join "," (keys $credentials.inline | sortAlpha)) (join "," (sortAlpha $needed)) -}}
{{- $problems = append $problems (printf "nats.credentials.inline must have exactly %s, as nats.credentials.type is %s" (join " and " $needed) $credentials.type) -}}
{{- end -}}
{{- end -}}
{{- if and .Values.nats.tls.mutual (not .Values.nats.tls.existingSecret) -}}
{{- $problems = append $problems "nats.tls.mutual needs nats.tls.existingSecret, with tls.crt and tls.key" -}}
{{- end -}}
{{- $elsewhere := dict "servers" "nats.servers" "ssl-bundle" "nats.tls" "user" "nats.credentials" "password" "nats.credentials" "token" "nats.credentials" "nkey" "nats.credentials" "credentials" "nats.credentials" -}}
{{- range $key, $value := dig "saf" "nats" dict .Values.config -}}
{{- with get $elsewhere $key -}}
{{- $problems = append $problems (printf "config.saf.nats.%s is not set there: use %s" $key .) -}}
{{- end -}}
{{- end -}}
{{- $budget := .Values.podDisruptionBudget -}}
{{- if and $budget.enabled (not (kindIs "invalid" $budget.minAvailable)) (not (kindIs "invalid" $budget.maxUnavailable)) -}}
{{- $problems = append $problems "podDisruptionBudget has both minAvailable and maxUnavailable: leave out one of them" -}}
{{- end -}}
{{- if and .Values.autoscaling.enabled (gt (int .Values.autoscaling.minReplicas) (int .Values.autoscaling.maxReplicas)) -}}
{{- $problems = append $problems "autoscaling.minReplicas is more than autoscaling.maxReplicas" -}}
{{- end -}}
{{- $grace := include "saf.grace" . | int -}}
{{- with .Values.terminationGracePeriodSeconds -}}
{{- if lt (int .) $grace -}}
{{- $problems = append $problems (printf "terminationGracePeriodSeconds is %d, but a shutdown may take %d: Kubernetes would kill the service at work; leave it out, or make it at least that" (int .) $grace) -}}
{{- end -}}
{{- end -}}
{{- if $problems -}}
{{- fail (printf "the values contradict each other:\n- %s" (join "\n- " $problems)) -}}
{{- end -}}
{{- end -}}
