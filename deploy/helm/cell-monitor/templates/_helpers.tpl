{{/* Names and labels. Each part is the release's name and its own. */}}
{{- define "cell-monitor.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* At most 45 characters: a CronJob called "…-backup" may have 52. */}}
{{- define "cell-monitor.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 45 | trimSuffix "-" }}
{{- else if contains (include "cell-monitor.name" .) .Release.Name }}
{{- .Release.Name | trunc 45 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "cell-monitor.name" .) | trunc 45 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "cell-monitor.selectorLabels" -}}
app.kubernetes.io/name: {{ include "cell-monitor.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "cell-monitor.labels" -}}
{{ include "cell-monitor.selectorLabels" . }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: cell-monitor
{{- end }}

{{- define "cell-monitor.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "cell-monitor.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "cell-monitor.mediaClaim" -}}
{{- default (printf "%s-media" (include "cell-monitor.fullname" .)) .Values.media.existingClaim }}
{{- end }}

{{- define "cell-monitor.secret" -}}
{{- required "existingSecret is missing: name a Secret that has SECRET_KEY, DATABASE_URL and REDIS_URL" .Values.existingSecret }}
{{- end }}

{{- define "cell-monitor.image" -}}
{{- $name := required "image.name is missing: build the Dockerfile, push the image to your registry and name it here" .Values.image.name }}
{{- printf "%s:%s" $name (default .Chart.AppVersion .Values.image.tag) | quote }}
{{- end }}

{{/* A value as the settings read it. Helm reads whole numbers as floats, and would write 1.048576e+07. */}}
{{- define "cell-monitor.text" -}}
{{- if kindIs "float64" . }}{{ int64 . | toString | quote }}{{ else }}{{ toString . | quote }}{{ end }}
{{- end }}

{{/*
The environment, the same for all parts but for PART. It is written into each pod, not into a ConfigMap, because the
migrations run before anything else of the release exists. Call with (dict "root" $ "part" "pages").
*/}}
{{- define "cell-monitor.env" -}}
{{- $values := .root.Values }}
{{- $secret := include "cell-monitor.secret" .root }}
{{- if not $values.hosts }}{{ fail "hosts is missing: list the host names under which browsers open the pages" }}{{ end }}
{{- if not $values.jupyterLabOrigins }}{{ fail "jupyterLabOrigins is missing: list the origins of your JupyterLabs, as in https://hub.example.org" }}{{ end }}
- {name: PART, value: {{ .part }}}
- {name: DEBUG, value: "0"}
- {name: ALLOWED_HOSTS, value: {{ join "," $values.hosts | quote }}}
- {name: CSRF_TRUSTED_ORIGINS, value: "https://{{ join ",https://" $values.hosts }}"}
- {name: BACKEND_CORS_ORIGINS, value: {{ join "," $values.jupyterLabOrigins | quote }}}
- {name: EVENT_SHARDS, value: {{ include "cell-monitor.text" $values.eventShards }}}
- {name: DATABASE_POOL, value: {{ include "cell-monitor.text" $values.database.pool }}}
- name: SECRET_KEY
  valueFrom: {secretKeyRef: {name: {{ $secret }}, key: SECRET_KEY}}
- name: DATABASE_URL
  valueFrom: {secretKeyRef: {name: {{ default $secret $values.database.existingSecret }}, key: {{ $values.database.urlKey }}}}
{{- with $values.database.replica }}
{{- if .enabled }}
- name: DATABASE_REPLICA_URL
  valueFrom: {secretKeyRef: {name: {{ default $secret .existingSecret }}, key: {{ .urlKey }}}}
- {name: DATABASE_REPLICA_MAX_LAG, value: {{ include "cell-monitor.text" .maxLag }}}
{{- end }}
{{- end }}
{{- with $values.media.bucket }}
{{- if .name }}
- {name: UPLOADS_BUCKET, value: {{ .name | quote }}}
{{- with .endpoint }}
- {name: UPLOADS_ENDPOINT, value: {{ . | quote }}}
{{- end }}
{{- with .region }}
- {name: UPLOADS_REGION, value: {{ . | quote }}}
{{- end }}
{{- with .prefix }}
- {name: UPLOADS_PREFIX, value: {{ . | quote }}}
{{- end }}
- name: UPLOADS_KEY_ID
  valueFrom: {secretKeyRef: {name: {{ $secret }}, key: UPLOADS_KEY_ID, optional: true}}
- name: UPLOADS_SECRET_KEY
  valueFrom: {secretKeyRef: {name: {{ $secret }}, key: UPLOADS_SECRET_KEY, optional: true}}
{{- end }}
{{- end }}
- name: REDIS_URL
  valueFrom: {secretKeyRef: {name: {{ default $secret $values.redis.existingSecret }}, key: {{ $values.redis.urlKey }}}}
- name: EVENTS_REDIS_URL
  valueFrom: {secretKeyRef: {name: {{ $secret }}, key: EVENTS_REDIS_URL, optional: true}}
- name: METRICS_TOKEN
  valueFrom: {secretKeyRef: {name: {{ $secret }}, key: METRICS_TOKEN, optional: {{ not $values.serviceMonitor.enabled }}}}
{{- with $values.influxdb.url }}
- {name: INFLUXDB_URL, value: {{ . | quote }}}
- name: INFLUXDB_TOKEN
  valueFrom: {secretKeyRef: {name: {{ $secret }}, key: INFLUXDB_TOKEN}}
{{- end }}
{{- with $values.mail }}
{{- if .host }}
- {name: EMAIL_HOST, value: {{ .host | quote }}}
- {name: EMAIL_PORT, value: {{ include "cell-monitor.text" .port }}}
- {name: EMAIL_FROM, value: {{ required "mail.from is missing: the address that mails come from" .from | quote }}}
- {name: EMAIL_USE_TLS, value: {{ include "cell-monitor.text" .startTLS }}}
- {name: EMAIL_HOST_USER, value: {{ .user | quote }}}
- name: EMAIL_HOST_PASSWORD
  valueFrom: {secretKeyRef: {name: {{ $secret }}, key: EMAIL_HOST_PASSWORD, optional: {{ empty .user }}}}
{{- end }}
{{- end }}
{{- range $name, $value := $values.settings }}
- {name: {{ $name }}, value: {{ include "cell-monitor.text" $value }}}
{{- end }}
{{- end }}

{{/* What the pod of every part and job has. Call with (dict "root" $ "part" "pages"). */}}
{{- define "cell-monitor.pod" -}}
{{- $values := .root.Values }}
serviceAccountName: {{ include "cell-monitor.serviceAccountName" .root }}
automountServiceAccountToken: false
# A Service called redis or postgres beside this one would set REDIS_PORT to an address.
enableServiceLinks: false
# The pause container is process 1: it reaps what the supervisor's children leave, and signals reach ours with their defaults.
shareProcessNamespace: true
{{- with $values.image.pullSecrets }}
imagePullSecrets:
{{- range . }}
  - {name: {{ . }}}
{{- end }}
{{- end }}
{{- with $values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
securityContext:
  {{- toYaml $values.podSecurityContext | nindent 2 }}
{{- end }}

{{- define "cell-monitor.container" -}}
name: {{ .part }}
image: {{ include "cell-monitor.image" .root }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
securityContext:
  {{- toYaml .root.Values.containerSecurityContext | nindent 2 }}
env:
  {{- include "cell-monitor.env" . | trim | nindent 2 }}
{{- end }}

{{- define "cell-monitor.tmp" -}}
- name: tmp
  emptyDir: {sizeLimit: 256Mi}
{{- end }}

{{/* Where the pods of a part run, and how they are spread: over zones and nodes, as far as there are any. */}}
{{- define "cell-monitor.scheduling" -}}
{{- $part := index .root.Values .part }}
topologySpreadConstraints:
{{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
  - maxSkew: 1
    topologyKey: {{ . }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "cell-monitor.selectorLabels" $.root | nindent 8 }}
        app.kubernetes.io/component: {{ $.part }}
{{- end }}
{{- with $part.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $part.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $part.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* The beginning of a Deployment, up to its containers. Call with (dict "root" $ "part" "pages"). */}}
{{- define "cell-monitor.deployment" -}}
{{- $part := index .root.Values .part }}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "cell-monitor.fullname" .root }}-{{ .part }}
  labels:
    {{- include "cell-monitor.labels" .root | nindent 4 }}
    app.kubernetes.io/component: {{ .part }}
spec:
  {{- if has .part .root.Values.stopped }}
  replicas: 0
  {{- else if eq .part "cron" }}
  replicas: 1
  {{- else if not $part.autoscaling.enabled }}
  replicas: {{ $part.replicas }}
  {{- end }}
  {{- if eq .part "cron" }}
  strategy: {type: Recreate}
  {{- else if and (eq .part "pages") (not .root.Values.media.bucket.name) (not .root.Values.media.existingClaim) (not (has "ReadWriteMany" .root.Values.media.accessModes)) }}
  # Only one node can have the volume: the old pod goes before the new one comes.
  strategy: {type: RollingUpdate, rollingUpdate: {maxUnavailable: 1, maxSurge: 0}}
  {{- else }}
  strategy: {type: RollingUpdate, rollingUpdate: {maxUnavailable: 0, maxSurge: 1}}
  {{- end }}
  revisionHistoryLimit: 5
  selector:
    matchLabels:
      {{- include "cell-monitor.selectorLabels" .root | nindent 6 }}
      app.kubernetes.io/component: {{ .part }}
  template:
    metadata:
      labels:
        {{- with .root.Values.podLabels }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
        {{- include "cell-monitor.labels" .root | nindent 8 }}
        app.kubernetes.io/component: {{ .part }}
      {{- with $part.podAnnotations }}
      annotations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
    spec:
      {{- include "cell-monitor.pod" . | trim | nindent 6 }}
      {{- include "cell-monitor.scheduling" . | trim | nindent 6 }}
      terminationGracePeriodSeconds: {{ $part.terminationGracePeriodSeconds }}
{{- end }}
