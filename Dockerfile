# One build for all services, and an image for each: docker build --target flight-api .
# Works with the classic builder as well as with BuildKit.

ARG RUST_IMAGE=rust:1.95-bookworm
ARG RUNTIME_IMAGE=gcr.io/distroless/cc-debian12:nonroot
# With PostgreSQL's programs.
ARG ALL_IN_ONE_IMAGE=postgres:17

# The workspace without its own code: manifests, and empty sources in their places. It is the same, and so are the layers
# built from it, as long as no dependency changes.
FROM ${RUST_IMAGE} AS skeleton
WORKDIR /skeleton
COPY . .
RUN find . -type f ! -name Cargo.toml ! -name Cargo.lock ! -path '*/src/lib.rs' ! -path '*/src/main.rs' ! -name build.rs -delete \
    && find . -name lib.rs -exec truncate --size 0 {} + \
    && find . \( -name main.rs -o -name build.rs \) -exec sh -c 'for file; do echo "fn main() { }" >"$file"; done' sh {} + \
    && find . -type d -empty -delete

FROM ${RUST_IMAGE} AS build
# A profile of Cargo: container, or dev for programs that are built sooner, and are larger and slower.
ARG PROFILE=container
WORKDIR /build
ENV CARGO_TERM_COLOR=never CARGO_INCREMENTAL=0
ENV PACKAGES="-p flight-api -p flight-processor -p passenger-api -p passenger-processor -p auditlog-api -p gateway -p jetbridge-verify -p containers-setup"
COPY --from=skeleton /skeleton .
RUN cargo build --locked --profile "$PROFILE" $PACKAGES --bins
COPY . .
# Cargo compares times: what was just copied must be newer than what was built from the skeleton.
RUN find . -path ./target -prune -o -name '*.rs' -exec touch {} + \
    && cargo build --locked --profile "$PROFILE" $PACKAGES --bins \
    && folder=target/$(if [ "$PROFILE" = dev ]; then echo debug; else echo "$PROFILE"; fi) \
    && mkdir -p /out/bin \
    && for service in flight-api flight-processor passenger-api passenger-processor auditlog-api gateway verify setup; do \
           strip --strip-all -o "/out/bin/$service" "$folder/$service"; \
       done
# A volume that is new takes over the owner of the folder that it is mounted on.
RUN mkdir -p /out/volumes/secrets/postgres /out/volumes/secrets/flight /out/volumes/secrets/passenger \
        /out/gateway/access-keys /out/volumes/secrets/service /out/volumes/secrets/session \
        /out/volumes/secrets/event-store /out/volumes/secrets/event-store-users/flight-api \
        /out/volumes/secrets/event-store-users/flight-processor /out/volumes/secrets/event-store-users/passenger-api \
        /out/volumes/secrets/event-store-users/passenger-processor /out/volumes/secrets/event-store-users/auditlog-api \
        /out/volumes/secrets/event-store-users/verify /out/volumes/certificates/authority /out/volumes/certificates/event-store-1 \
        /out/volumes/certificates/event-store-2 /out/volumes/certificates/event-store-3

FROM ${RUNTIME_IMAGE} AS runtime
ARG VERSION=dev
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
ARG SOURCE=https://github.com/jetbridge/jetbridge
LABEL org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.documentation="${SOURCE}/blob/main/documentation/operations.md" \
      org.opencontainers.image.vendor="Jetbridge" \
      org.opencontainers.image.licenses="MIT"
# The number of the user "nonroot", for whoever has to see that it is not root.
USER 65532:65532
WORKDIR /home/nonroot

FROM runtime AS flight-api
LABEL org.opencontainers.image.title="jetbridge-flight-api" \
      org.opencontainers.image.description="Jetbridge: commands and queries of flights"
COPY --from=build /out/bin/flight-api /usr/local/bin/flight-api
ENV JETBRIDGE_LISTEN=0.0.0.0:8081
EXPOSE 8081
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["flight-api", "healthcheck"]
ENTRYPOINT ["flight-api"]

FROM runtime AS flight-processor
LABEL org.opencontainers.image.title="jetbridge-flight-processor" \
      org.opencontainers.image.description="Jetbridge: read model and reactions of flights"
COPY --from=build /out/bin/flight-processor /out/bin/verify /usr/local/bin/
ENV JETBRIDGE_LISTEN=0.0.0.0:8091
EXPOSE 8091
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["flight-processor", "healthcheck"]
ENTRYPOINT ["flight-processor"]

FROM runtime AS passenger-api
LABEL org.opencontainers.image.title="jetbridge-passenger-api" \
      org.opencontainers.image.description="Jetbridge: commands and queries of passengers and manifests"
COPY --from=build /out/bin/passenger-api /usr/local/bin/passenger-api
ENV JETBRIDGE_LISTEN=0.0.0.0:8082
EXPOSE 8082
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["passenger-api", "healthcheck"]
ENTRYPOINT ["passenger-api"]

FROM runtime AS passenger-processor
LABEL org.opencontainers.image.title="jetbridge-passenger-processor" \
      org.opencontainers.image.description="Jetbridge: read model and reactions of passengers"
COPY --from=build /out/bin/passenger-processor /out/bin/verify /usr/local/bin/
ENV JETBRIDGE_LISTEN=0.0.0.0:8092
EXPOSE 8092
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["passenger-processor", "healthcheck"]
ENTRYPOINT ["passenger-processor"]

FROM runtime AS auditlog-api
LABEL org.opencontainers.image.title="jetbridge-auditlog-api" \
      org.opencontainers.image.description="Jetbridge: everything that has happened, in pages and live"
COPY --from=build /out/bin/auditlog-api /usr/local/bin/auditlog-api
ENV JETBRIDGE_LISTEN=0.0.0.0:8083
EXPOSE 8083
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["auditlog-api", "healthcheck"]
ENTRYPOINT ["auditlog-api"]

FROM runtime AS gateway
LABEL org.opencontainers.image.title="jetbridge-gateway" \
      org.opencontainers.image.description="Jetbridge: web client and API, the one address that clients talk to"
COPY --from=build /out/bin/gateway /usr/local/bin/gateway
COPY --from=build --chown=65532:65532 /out/gateway /
ENV JETBRIDGE_LISTEN=0.0.0.0:8080
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["gateway", "healthcheck"]
ENTRYPOINT ["gateway"]

FROM runtime AS setup
LABEL org.opencontainers.image.title="jetbridge-setup" \
      org.opencontainers.image.description="Jetbridge: makes the passwords and certificates of an installation"
COPY --from=build --chown=65532:65532 /out/volumes /
COPY --from=build /out/bin/setup /usr/local/bin/setup
ENTRYPOINT ["setup"]

# Everything in one process, for trying out: built for this image alone.
FROM build AS build-all-in-one
ARG PROFILE=container
RUN cargo build --locked --profile "$PROFILE" -p jetbridge --bin jetbridge \
    && folder=target/$(if [ "$PROFILE" = dev ]; then echo debug; else echo "$PROFILE"; fi) \
    && strip --strip-all -o /out/bin/jetbridge "$folder/jetbridge" \
    && mkdir -p /out/all-in-one/data

FROM ${ALL_IN_ONE_IMAGE} AS all-in-one
ARG VERSION=dev
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
ARG SOURCE=https://github.com/jetbridge/jetbridge
LABEL org.opencontainers.image.title="jetbridge-all-in-one" \
      org.opencontainers.image.description="Jetbridge: everything in one process, for trying out" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.documentation="${SOURCE}/blob/main/documentation/operations.md" \
      org.opencontainers.image.vendor="Jetbridge" \
      org.opencontainers.image.licenses="MIT"
COPY --from=build-all-in-one --chown=999:999 /out/all-in-one /
COPY --from=build-all-in-one /out/bin/jetbridge /usr/local/bin/jetbridge
# The number of the image's user "postgres", for whoever has to see that it is not root.
USER 999:999
WORKDIR /data
ENV JETBRIDGE_DATA_DIR=/data JETBRIDGE_LISTEN=0.0.0.0:8080
EXPOSE 8080
ENTRYPOINT ["jetbridge"]
