{{/*
What each service is: its port, the domain whose database it has, whether it uses the event store, and whom it calls. The
services, environments and network policies follow from it.
*/}}
{{- define "jetbridge.services" -}}
gateway: {port: 8080, calls: [flight-api, passenger-api, auditlog-api, flight-processor, passenger-processor]}
flight-api: {port: 8081, database: flight, eventStore: true, calls: [passenger-api]}
passenger-api: {port: 8082, database: passenger, eventStore: true, calls: [flight-api]}
auditlog-api: {port: 8083, eventStore: true, calls: []}
flight-processor: {port: 8091, database: flight, eventStore: true, calls: [passenger-api]}
passenger-processor: {port: 8092, database: passenger, eventStore: true, calls: [flight-api]}
{{- end -}}

{{/* The name of everything of a service: jetbridge.name (list $ "flight-api") */}}
{{- define "jetbridge.name" -}}
{{- printf "%s-%s" (index . 0).Release.Name (index . 1) | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "jetbridge.selector" -}}
app.kubernetes.io/name: jetbridge
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{- define "jetbridge.labels" -}}
{{ include "jetbridge.selector" . }}
app.kubernetes.io/part-of: jetbridge
app.kubernetes.io/version: {{ (index . 0).Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ (index . 0).Release.Service }}
{{- with (index . 0).Chart }}
helm.sh/chart: {{ printf "%s-%s" .Name .Version }}
{{- end }}
{{- end -}}

{{- define "jetbridge.image" -}}
{{- $values := (index . 0).Values.image -}}
{{- printf "%s/jetbridge-%s:%s" $values.registry (index . 1) ($values.tag | default (index . 0).Chart.AppVersion) -}}
{{- end -}}

{{/* What a container may: nothing. */}}
{{- define "jetbridge.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{/* jetbridge.podSecurity USER */}}
{{- define "jetbridge.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ . }}
runAsGroup: {{ . }}
fsGroup: {{ . }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{/* Where the pods of a service go: apart from each other, as far as there is room. */}}
{{- define "jetbridge.placement" -}}
{{- $values := (index . 0).Values -}}
affinity:
  podAntiAffinity:
    preferredDuringSchedulingIgnoredDuringExecution:
      - weight: 100
        podAffinityTerm:
          topologyKey: kubernetes.io/hostname
          labelSelector:
            matchLabels: {{- include "jetbridge.selector" . | nindent 14 }}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: topology.kubernetes.io/zone
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels: {{- include "jetbridge.selector" . | nindent 8 }}
{{- with $values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with $values.image.pullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Settings of whatever clients reach. */}}
{{- define "jetbridge.gatewayEnvironment" -}}
{{- $gateway := .Values.gateway }}
JETBRIDGE_AUTHENTICATION: {{ $gateway.authentication | quote }}
{{- $hosts := concat $gateway.publicHosts .Values.httpRoute.hostnames (without (list .Values.ingress.host) "") | uniq }}
{{- with $hosts }}
JETBRIDGE_PUBLIC_HOST: {{ join "," . | quote }}
{{- end }}
{{- with $gateway.publicUrl }}
JETBRIDGE_PUBLIC_URL: {{ . | quote }}
{{- end }}
{{- with $gateway.trustedProxies }}
JETBRIDGE_TRUSTED_PROXIES: {{ join "," . | quote }}
{{- end }}
{{- with $gateway.oidc }}
{{- if .issuer }}
JETBRIDGE_OIDC_ISSUER: {{ .issuer | quote }}
JETBRIDGE_OIDC_ROLES_CLAIM: {{ .rolesClaim | quote }}
{{- with .clientId }}
JETBRIDGE_OIDC_CLIENT_ID: {{ . | quote }}
{{- end }}
{{- if .secret }}
JETBRIDGE_OIDC_CLIENT_SECRET_FILE: /secrets/oidc/client-secret
{{- end }}
{{- with .audience }}
JETBRIDGE_OIDC_AUDIENCE: {{ . | quote }}
{{- end }}
{{- with .roleMap }}
JETBRIDGE_OIDC_ROLE_MAP: {{ join "," . | quote }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{/* What a service speaks: jetbridge.scheme (list $ "flight-api") */}}
{{- define "jetbridge.scheme" -}}
{{- if index (index . 0).Values.serviceTls.secrets (index . 1) }}https{{ else }}http{{ end -}}
{{- end -}}

{{/* The environment of a service: jetbridge.environment (list $ "flight-api" $service) */}}
{{- define "jetbridge.environment" -}}
{{- $root := index . 0 -}}
{{- $name := index . 1 -}}
{{- $service := index . 2 -}}
{{- $all := fromYaml (include "jetbridge.services" $root) -}}
JETBRIDGE_SERVICE_TOKEN_FILE: /secrets/service/token
JETBRIDGE_LOG: {{ $root.Values.logging.filter | quote }}
JETBRIDGE_LOG_FORMAT: {{ $root.Values.logging.format }}
{{- if $root.Values.metrics.enabled }}
JETBRIDGE_METRICS_LISTEN: 0.0.0.0:9464
{{- end }}
{{- if index $root.Values.serviceTls.secrets $name }}
JETBRIDGE_TLS_CERTIFICATE: /secrets/tls/tls.crt
JETBRIDGE_TLS_KEY: /secrets/tls/tls.key
{{- end }}
{{- if and $root.Values.serviceTls.caSecret $service.calls }}
JETBRIDGE_SERVICE_CA_FILE: /secrets/service-authority/ca.crt
{{- end }}
{{- range $called := $service.calls }}
JETBRIDGE_{{ $called | upper | replace "-" "_" }}: {{ include "jetbridge.scheme" (list $root $called) }}://{{ include "jetbridge.name" (list $root $called) }}:{{ (index $all $called).port }}
{{- end }}
{{- if eq $name "gateway" }}
{{- include "jetbridge.gatewayEnvironment" $root }}
JETBRIDGE_SESSION_KEYS_FILE: /secrets/session/keys
{{- if contains "keys" $root.Values.gateway.authentication }}
JETBRIDGE_ACCESS_KEYS_FILE: /secrets/access-keys/access-keys
{{- end }}
{{- else }}
JETBRIDGE_PUBLIC_HOST: {{ include "jetbridge.name" (list $root $name) }}
{{- end }}
{{- if $service.eventStore }}
{{- if $root.Values.eventStore.users }}
JETBRIDGE_EVENT_STORE_USER: {{ $name }}
JETBRIDGE_EVENT_STORE_PASSWORD_FILE: /secrets/event-store/password
{{- end }}
{{- if $root.Values.eventStore.caSecret }}
JETBRIDGE_EVENT_STORE_CA_FILE: /secrets/event-store-authority/ca.crt
{{- end }}
{{- end }}
{{- if $service.database }}
JETBRIDGE_DATABASE_PASSWORD_FILE: /secrets/database/password
{{- if $root.Values.databases.caSecret }}
JETBRIDGE_DATABASE_CA_FILE: /secrets/database-authority/ca.crt
{{- end }}
{{- end }}
{{- end -}}

{{/* The files that a service reads, each a volume below /secrets: jetbridge.secrets (list $ "flight-api" $service) */}}
{{- define "jetbridge.secrets" -}}
{{- $root := index . 0 -}}
{{- $name := index . 1 -}}
{{- $service := index . 2 -}}
{{- $secrets := $root.Values.secrets -}}
{{- $tls := $root.Values.serviceTls -}}
service: {secret: {{ $secrets.serviceToken }}, files: {token: token}}
{{- with index $tls.secrets $name }}
tls: {secret: {{ . }}, files: {tls.crt: tls.crt, tls.key: tls.key}}
{{- end }}
{{- if and $tls.caSecret $service.calls }}
service-authority: {secret: {{ $tls.caSecret }}, files: {ca.crt: ca.crt}}
{{- end }}
{{- if eq $name "gateway" }}
session: {secret: {{ $secrets.sessionKeys }}, files: {keys: keys}}
{{- if contains "keys" $root.Values.gateway.authentication }}
access-keys: {secret: {{ $secrets.accessKeys }}, files: {access-keys: access-keys}}
{{- end }}
{{- with $root.Values.gateway.oidc.secret }}
oidc: {secret: {{ . }}, files: {client-secret: client-secret}}
{{- end }}
{{- end }}
{{- if $service.eventStore }}
{{- if $root.Values.eventStore.users }}
event-store: {secret: {{ $secrets.eventStore }}, files: { {{- $name }}: password}}
{{- end }}
{{- with $root.Values.eventStore.caSecret }}
event-store-authority: {secret: {{ . }}, files: {ca.crt: ca.crt}}
{{- end }}
{{- end }}
{{- if $service.database }}
database: {secret: {{ $secrets.databases }}, files: { {{- $service.database }}: password}}
{{- with $root.Values.databases.caSecret }}
database-authority: {secret: {{ . }}, files: {ca.crt: ca.crt}}
{{- end }}
{{- end }}
{{- end -}}
