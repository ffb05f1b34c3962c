"""Every setting of Posto, read from the environment or `.env`; `.env.example` is the commented reference."""

import re
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from adapters.objects import S3Access, is_bucket
from infra.errors import SettingsError

Port = Annotated[int, Field(ge=1, le=65535)]
Seconds = Annotated[float, Field(gt=0)]

_HOST = re.compile(r"[\w.-]+(:\d{1,5})?", re.ASCII)


class MySQLAddress(BaseModel):
    """Where MySQL is, taken apart from `mysql://user:password@host:port/database`."""

    host: str
    port: int
    user: str
    password: SecretStr
    database: str


class Settings(BaseSettings):
    """The settings of one process; names are those of the environment, in lower case here."""

    model_config = SettingsConfigDict(
        env_file=".env", env_file_encoding="utf-8", env_ignore_empty=True, extra="ignore", frozen=True
    )

    # The gateway.
    wpp_gateway_base_url: str = "http://127.0.0.1:8090"
    wpp_gateway_secret: SecretStr = SecretStr("")
    posto_gateway_connect_seconds: Seconds = 10.0
    posto_gateway_write_seconds: Seconds = 30.0
    posto_gateway_answer_seconds: Seconds = 30.0
    posto_gateway_channels_seconds: Seconds = 60.0
    posto_gateway_media_seconds: Seconds = 120.0
    pixelhub_whatsapp_webhook_url: str = "http://127.0.0.1:8080/api/whatsapp/webhook"
    pixelhub_whatsapp_webhook_secret: SecretStr = SecretStr("")

    # The edge.
    event_ingestion_secret: SecretStr = SecretStr("")
    posto_admin_token: SecretStr = SecretStr("")
    posto_host: str = "127.0.0.1"
    posto_edge_port: Port = 8080
    posto_edge_workers: Annotated[int, Field(ge=1, le=64)] = 1
    posto_edge_max_body_bytes: Annotated[int, Field(ge=1024, le=16_777_216)] = 16_777_216
    posto_edge_produce_timeout_seconds: Seconds = 5.0
    posto_edge_max_requests: Annotated[int, Field(ge=1, le=100_000)] = 1000
    posto_edge_keep_alive_seconds: Annotated[float, Field(ge=1, le=3600)] = 75.0
    posto_spool_dir: Path | None = None
    posto_spool_after_seconds: Seconds = 1.0
    posto_spool_max_bytes: Annotated[int, Field(ge=20_000_000)] = 1_073_741_824
    posto_spool_max_entries: Annotated[int, Field(ge=1)] = 1_000_000
    posto_spool_look_seconds: Seconds = 10.0

    # Kafka.
    kafka_bootstrap_servers: str = "127.0.0.1:19092"
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "PLAIN"
    kafka_sasl_username: str = ""
    kafka_sasl_password: SecretStr = SecretStr("")
    kafka_ssl_cafile: Path | None = None
    posto_partitions: Annotated[int, Field(ge=1, le=1024)] = 8
    posto_replication_factor: Annotated[int, Field(ge=1, le=9)] = 1
    posto_min_insync_replicas: Annotated[int, Field(ge=1, le=9)] = 1

    # MySQL.
    mysql_dsn: SecretStr = SecretStr("")

    # The relay of a producer's outbox.
    posto_outbox_dsn: SecretStr = SecretStr("")
    posto_outbox_poll_seconds: Seconds = 0.2
    posto_outbox_keep_days: Annotated[float, Field(ge=0)] = 7.0
    posto_outbox_metrics_port: Port = 9201

    # The worker.
    posto_metrics_port: Port = 9101
    posto_commit_interval_seconds: Seconds = 0.5
    posto_session_timeout_seconds: Annotated[float, Field(ge=6, le=300)] = 10.0
    posto_unacked_bytes_per_partition: Annotated[int, Field(ge=65_536)] = 4_194_304
    posto_dedupe_days: Annotated[int, Field(ge=1, le=365)] = 30
    posto_reconcile_seconds: Seconds = 1.0
    posto_stall_seconds: Seconds = 120.0

    # The look-out.
    posto_lookout_seconds: Seconds = 60.0
    posto_silence_hours: Annotated[float, Field(ge=1)] = 3.0
    posto_silence_floor_seconds: Annotated[float, Field(ge=0)] = 3600.0
    posto_silence_ceiling_seconds: Seconds = 604_800.0

    # The sender.
    posto_send_concurrency: Annotated[int, Field(ge=1, le=1000)] = 64
    posto_send_concurrency_per_channel: Annotated[int, Field(ge=1, le=100)] = 4
    posto_send_retry_seconds: Annotated[tuple[Seconds, ...], NoDecode] = (1.0, 5.0, 30.0, 120.0, 600.0)
    posto_send_max_attempts: Annotated[int, Field(ge=1, le=100)] = 8
    posto_uncertain_wait_seconds: Seconds = 120.0
    posto_drain_seconds: Annotated[float, Field(ge=0, le=300)] = 10.0
    posto_echo_window_seconds: Seconds = 90.0
    posto_clock_skew_seconds: Annotated[float, Field(ge=0)] = 2.0
    posto_precondition_hosts: Annotated[tuple[str, ...], NoDecode] = ()
    posto_precondition_timeout_seconds: Seconds = 3.0
    posto_gateway_failures: Annotated[int, Field(ge=1, le=100)] = 3
    posto_gateway_probe_seconds: Seconds = 2.0
    posto_gateway_probe_timeout_seconds: Seconds = 2.0
    posto_gateway_longest_probe_wait_seconds: Seconds = 60.0
    posto_gateway_trials: Annotated[int, Field(ge=1, le=100)] = 3
    posto_gateway_alarm_seconds: Annotated[tuple[float, ...], NoDecode] = (0.0, 300.0, 1800.0)
    posto_channel_poll_seconds: Seconds = 15.0
    posto_channel_longest_poll_seconds: Seconds = 600.0
    posto_channel_alarm_seconds: Annotated[tuple[float, ...], NoDecode] = (60.0, 1800.0)

    # Media.
    posto_media_store: str = ""
    posto_media_endpoint: str = ""
    posto_media_region: str = "us-east-1"
    posto_media_key_id: SecretStr = SecretStr("")
    posto_media_key_secret: SecretStr = SecretStr("")
    posto_media_first_try_seconds: Annotated[float, Field(ge=0)] = 30.0
    posto_media_retry_seconds: Annotated[tuple[Seconds, ...], NoDecode] = (30.0, 60.0, 300.0, 1800.0, 7200.0)
    posto_media_concurrency: Annotated[int, Field(ge=1, le=1000)] = 32
    posto_media_concurrency_per_channel: Annotated[int, Field(ge=1, le=100)] = 2

    # Targets of `ai` and `http` actions.
    posto_target_key: SecretStr = SecretStr("")
    posto_target_networks: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode] = ()
    posto_target_retry_seconds: Annotated[tuple[Seconds, ...], NoDecode] = (1.0, 5.0, 30.0, 120.0, 600.0)
    posto_target_concurrency: Annotated[int, Field(ge=1, le=1000)] = 64
    posto_target_concurrency_per_target: Annotated[int, Field(ge=1, le=1000)] = 32
    posto_target_depth: Annotated[int, Field(ge=1, le=100)] = 3
    posto_target_answers: Annotated[int, Field(ge=1, le=1000)] = 30
    posto_target_answers_seconds: Seconds = 600.0
    posto_ai_patience_seconds: Seconds = 300.0
    posto_ai_mute_seconds: Annotated[float, Field(ge=0)] = 3600.0

    # The look-ups of lids.
    posto_lid_lookups: bool = True

    # The simulator and the local stack.
    posto_sim_port: Port = 8090
    posto_sim_ack_delay_seconds: Annotated[float, Field(ge=0)] = 0.2
    posto_kafka_port: Port = 19092
    posto_mysql_port: Port = 13306
    posto_local_dir: Path = Path(".local")
    posto_workers: Annotated[int, Field(ge=1, le=64)] = 1
    posto_brokers: int = 1

    # Logs.
    posto_log_level: Literal["debug", "info", "warning", "error"] = "info"
    posto_log_format: Literal["json", "console"] = "json"

    @field_validator(
        "posto_send_retry_seconds",
        "posto_media_retry_seconds",
        "posto_gateway_alarm_seconds",
        "posto_channel_alarm_seconds",
        "posto_precondition_hosts",
        "posto_target_networks",
        "posto_target_retry_seconds",
        mode="before",
    )
    @classmethod
    def _split_schedule(cls, value: Any) -> Any:
        """Accept `1,5,30` as the environment gives it."""
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("posto_precondition_hosts")
    @classmethod
    def _hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for host in value:
            if not _HOST.fullmatch(host):
                raise ValueError(f"must be hosts such as erp.example or erp.example:8443, not {host!r}")
        return tuple(host.lower() for host in value)

    @field_validator("posto_brokers")
    @classmethod
    def _one_or_three(cls, value: int) -> int:
        if value not in {1, 3}:
            raise ValueError("must be 1, or 3: of two brokers neither could be missed")
        return value

    @field_validator("wpp_gateway_base_url", "pixelhub_whatsapp_webhook_url")
    @classmethod
    def _http_url(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("must be an address such as http://127.0.0.1:8090")
        return value.rstrip("/")

    @field_validator("posto_media_store")
    @classmethod
    def _media_location(cls, value: str) -> str:
        is_bucket(value)
        return value

    @field_validator("posto_media_endpoint")
    @classmethod
    def _s3_address(cls, value: str) -> str:
        return cls._http_url(value) if value else value

    @field_validator("mysql_dsn", "posto_outbox_dsn")
    @classmethod
    def _dsn(cls, value: SecretStr) -> SecretStr:
        if value.get_secret_value():
            parse_dsn(value.get_secret_value())
        return value

    @model_validator(mode="after")
    def _s3_keys(self) -> Self:
        if bool(self.s3_access.key_id) != bool(self.s3_access.secret):
            raise ValueError("POSTO_MEDIA_KEY_ID and POSTO_MEDIA_KEY_SECRET belong together: set both or none")
        return self

    @model_validator(mode="after")
    def _in_sync_replicas(self) -> Self:
        if self.posto_min_insync_replicas > self.posto_replication_factor:
            raise ValueError("POSTO_MIN_INSYNC_REPLICAS must not exceed POSTO_REPLICATION_FACTOR")
        return self

    @property
    def edge_url(self) -> str:
        """Where the edge of this machine answers."""
        host = "127.0.0.1" if self.posto_host == "0.0.0.0" else self.posto_host  # noqa: S104
        return f"http://{host}:{self.posto_edge_port}"

    @cached_property
    def mysql(self) -> MySQLAddress:
        """The parsed MYSQL_DSN; SettingsError where it is not set."""
        return parse_dsn(require("MYSQL_DSN", self.mysql_dsn))

    @cached_property
    def outbox(self) -> MySQLAddress:
        """The parsed POSTO_OUTBOX_DSN; SettingsError where it is not set."""
        return parse_dsn(require("POSTO_OUTBOX_DSN", self.posto_outbox_dsn))

    @property
    def webhook_secrets(self) -> tuple[str, ...]:
        """The accepted webhook secrets; several, comma-separated, while one is being rotated; empty means open."""
        return _split(self.pixelhub_whatsapp_webhook_secret)

    @property
    def ingestion_secrets(self) -> tuple[str, ...]:
        """The accepted secrets of `POST /api/events`."""
        return _split(self.event_ingestion_secret)

    @property
    def media_store(self) -> str:
        """Where the files of messages go: a bucket, or a folder; the one of the local stack where none is set."""
        return self.posto_media_store or str(self.posto_local_dir / "media")

    @property
    def spool_dir(self) -> Path:
        """Where the edge keeps what it was given while Kafka is away; a folder of the local stack where none is set."""
        return self.posto_spool_dir or self.posto_local_dir / "spool"

    @property
    def s3_access(self) -> S3Access:
        """How a bucket is reached."""
        return S3Access(
            endpoint=self.posto_media_endpoint,
            region=self.posto_media_region,
            key_id=self.posto_media_key_id.get_secret_value(),
            secret=self.posto_media_key_secret.get_secret_value(),
        )


def _split(value: SecretStr) -> tuple[str, ...]:
    return tuple(part.strip() for part in value.get_secret_value().split(",") if part.strip())


def parse_dsn(dsn: str) -> MySQLAddress:
    """Take `mysql://user:password@host:port/database` apart; ValueError says what is missing."""
    parts = urlsplit(dsn)
    database = parts.path.lstrip("/")
    if parts.scheme != "mysql" or not parts.hostname or not parts.username or not database:
        raise ValueError("must look like mysql://user:password@host:port/database")
    return MySQLAddress(
        host=parts.hostname,
        port=parts.port or 3306,
        user=unquote(parts.username),
        password=SecretStr(unquote(parts.password or "")),
        database=unquote(database),
    )


def require(name: str, value: SecretStr) -> str:
    """The value of a setting that has no default; SettingsError names it where it is empty."""
    text = value.get_secret_value()
    if not text:
        raise SettingsError(f"{name} is not set: put it into the environment or .env (see .env.example).")
    return text


def load(**overrides: Any) -> Settings:
    """Read the settings; the first wrong one becomes a SettingsError of one sentence."""
    try:
        return Settings(**overrides)
    except ValidationError as error:
        first = error.errors()[0]
        name = "_".join(str(part) for part in first["loc"]).upper()
        reason = first["msg"].removeprefix("Value error, ")
        raise SettingsError(f"{name}: {reason}." if name else f"{reason}.") from None


__all__ = ["MySQLAddress", "Settings", "SettingsError", "load", "parse_dsn", "require"]
