# One static binary in an empty image, without root and without a shell.
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
# .git is part of the context, so that `roomcast version` has the revision.
RUN CGO_ENABLED=0 go build -trimpath -ldflags="-s -w" -o /roomcast .

FROM scratch
# JWT_JWKS_URL needs the certificates of public authorities.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /roomcast /roomcast
USER 65532:65532
EXPOSE 3000
HEALTHCHECK CMD ["/roomcast", "healthcheck"]
ENTRYPOINT ["/roomcast"]
