# One static binary in an empty image, without root and without a shell:
#
#   docker buildx build --platform linux/amd64,linux/arm64 -t roomcast .
#
# The compiler runs on the machine's own platform, also when the image is for another one.
FROM --platform=$BUILDPLATFORM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG TARGETOS TARGETARCH
RUN GOOS=$TARGETOS GOARCH=$TARGETARCH deploy/image/tree /image

# deploy/image/try runs what is below without a container engine.
FROM scratch
COPY --from=build /image/etc /etc
COPY --from=build /image/roomcast /roomcast
COPY --from=build --chown=65532:65532 /image/data /data
USER 65532:65532
ENV DATA_DIR=/data
VOLUME /data
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["/roomcast", "healthcheck"]
ENTRYPOINT ["/roomcast"]
