# An image that contains only lazuli: static, without a shell, not as root. The binary includes certificate authorities.
#
#   docker build -t lazuli .
#   docker run --rm -v "$PWD:/work" --user "$(id -u):$(id -g)" lazuli plan stacks
#
# Released images skip the first stage and use the binaries of the release: .github/workflows/release.yaml.
FROM rust:1.95.0-alpine3.23@sha256:606fd313a0f49743ee2a7bd49a0914bab7deedb12791f3a846a34a4711db7ed2 AS build
ENV CARGO_INCREMENTAL=0 \
    RUSTFLAGS="-C target-feature=+crt-static \
               --remap-path-prefix=/source=lazuli --remap-path-prefix=/usr/local/cargo=cargo"
WORKDIR /source
COPY . .
# With an explicit target, only the target is linked statically: procedural macros cannot be.
RUN target="$(rustc --print host-tuple)" && \
    cargo build --locked --release --package lazuli --target "$target" && \
    cp "target/$target/release/lazuli" /lazuli

FROM scratch
ARG VERSION=0.0.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="lazuli" \
      org.opencontainers.image.description="A declarative reconciler for Azure" \
      org.opencontainers.image.source="https://github.com/lazuli-azure/lazuli" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /lazuli /lazuli
WORKDIR /work
USER 65532:65532
ENTRYPOINT ["/lazuli"]
CMD ["--help"]
