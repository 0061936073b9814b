# syntax=docker/dockerfile:1
# Two stages: build with the toolchain, ship two binaries and nothing else.

FROM rust:1.95-slim-bookworm AS build
# aws-lc-sys and libsqlite3-sys compile C; nothing else is needed.
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked -p leadgen-server && \
    cargo build --release --locked -p leadgen-cli --no-default-features && \
    cp target/release/leadgen-server target/release/leadgen /usr/local/bin/

# Certificates are built in (webpki-roots), so the base holds no more than a C library.
FROM debian:bookworm-slim
RUN useradd --system --uid 10001 --home-dir /var/lib/leadgen --create-home --shell /usr/sbin/nologin leadgen
COPY --from=build /usr/local/bin/leadgen-server /usr/local/bin/leadgen /usr/local/bin/
USER 10001:10001
WORKDIR /var/lib/leadgen
VOLUME /var/lib/leadgen
EXPOSE 8080
# Beyond loopback the server wants LEADGEN_SERVER_TOKEN and says so.
ENV SERVER_BIND=0.0.0.0:8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 CMD ["leadgen-server", "--probe"]
ENTRYPOINT ["leadgen-server"]
