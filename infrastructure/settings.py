"""Settings: every environment variable that Tarn reads, with its default and its meaning.

`settings()` reads the environment once per process. In production (`TARN_ENV=production`) a missing or default
secret stops the start with a sentence that names it: see `Settings.problems`.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Literal
from urllib.parse import quote, urlsplit, urlunsplit

from pydantic import AliasChoices, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

__all__ = ["Settings", "settings", "with_password"]

DEVELOPMENT_SECRET = "development-secret-never-used-in-production"  # noqa: S105  replaced at first start of `tarn up`


def _names(*names: str) -> AliasChoices:
    return AliasChoices(*names)


def with_password(url: str, password: str | None) -> str:
    """A Redis URL with the password of its role put in, unless the URL brings one of its own."""
    if not password:
        return url
    parts = urlsplit(url if "://" in url else f"redis://{url}")
    if parts.password:
        return url
    user = parts.username or ""
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{user}:{quote(password, safe='')}@{host}"))


class Settings(BaseSettings):
    """Every setting of one process. Names in capitals are the environment variables."""

    model_config = SettingsConfigDict(extra="ignore", case_sensitive=True, populate_by_name=True)

    env: Literal["development", "test", "production"] = Field("development", validation_alias=_names("TARN_ENV"))
    log_level: str = Field("info", validation_alias=_names("LAGO_LOG_LEVEL", "TARN_LOG_LEVEL"))
    port: int = Field(3000, validation_alias=_names("PORT"))
    host: str = Field("127.0.0.1", validation_alias=_names("TARN_HOST"))
    data_dir: Path = Field(Path(".tarn"), validation_alias=_names("TARN_DATA_DIR"))

    database_url: str = Field("", validation_alias=_names("DATABASE_URL"))
    database_pool: int = Field(10, validation_alias=_names("DATABASE_POOL"))
    redis_url: str = Field("", validation_alias=_names("REDIS_URL"))
    redis_password: str | None = Field(None, validation_alias=_names("REDIS_PASSWORD"))
    redis_cache_url: str = Field("", validation_alias=_names("LAGO_REDIS_CACHE_URL"))
    redis_cache_password: str | None = Field(None, validation_alias=_names("LAGO_REDIS_CACHE_PASSWORD"))
    redis_store_url: str = Field("", validation_alias=_names("LAGO_REDIS_STORE_URL"))
    redis_store_password: str | None = Field(None, validation_alias=_names("LAGO_REDIS_STORE_PASSWORD"))

    secret_key_base: str = Field(DEVELOPMENT_SECRET, validation_alias=_names("SECRET_KEY_BASE"))
    encryption_primary_key: str = Field(
        DEVELOPMENT_SECRET, validation_alias=_names("ENCRYPTION_PRIMARY_KEY", "LAGO_ENCRYPTION_PRIMARY_KEY")
    )
    encryption_key_derivation_salt: str = Field(
        DEVELOPMENT_SECRET,
        validation_alias=_names("ENCRYPTION_KEY_DERIVATION_SALT", "LAGO_ENCRYPTION_KEY_DERIVATION_SALT"),
    )
    # Older primary keys, comma separated: still read, never written with. See `tarn secrets rotate`.
    encryption_previous_keys: str = Field("", validation_alias=_names("ENCRYPTION_PREVIOUS_KEYS"))
    rsa_private_key: str = Field("", validation_alias=_names("RSA_PRIVATE_KEY", "LAGO_RSA_PRIVATE_KEY"))

    api_url: str = Field("http://localhost:3000", validation_alias=_names("LAGO_API_URL"))
    front_url: str = Field("", validation_alias=_names("LAGO_FRONT_URL"))
    domain: str = Field("", validation_alias=_names("LAGO_DOMAIN"))
    disable_signup: bool = Field(False, validation_alias=_names("LAGO_DISABLE_SIGNUP"))
    download_link_days: int = Field(7, validation_alias=_names("TARN_DOWNLOAD_LINK_DAYS"))
    disable_events_validation: bool = Field(False, validation_alias=_names("LAGO_DISABLE_EVENTS_VALIDATION"))
    # How often what events have changed is looked at, in seconds; see `tasks/schedule.py`.
    activity_processing_seconds: int = Field(
        60, validation_alias=_names("LAGO_SUBSCRIPTION_ACTIVITY_PROCESSING_INTERVAL_SECONDS"), ge=1
    )
    disable_lifetime_usage_refresh: bool = Field(False, validation_alias=_names("LAGO_DISABLE_LIFETIME_USAGE_REFRESH"))
    lifetime_usage_refresh_seconds: int = Field(
        300, validation_alias=_names("LAGO_LIFETIME_USAGE_REFRESH_INTERVAL_SECONDS"), ge=1
    )
    disable_wallet_refresh: bool = Field(False, validation_alias=_names("LAGO_DISABLE_WALLET_REFRESH"))
    wallet_refresh_seconds: int = Field(
        300, validation_alias=_names("LAGO_WALLET_ONGOING_BALANCE_REFRESH_INTERVAL_SECONDS"), ge=1
    )
    disable_pdf_generation: bool = Field(False, validation_alias=_names("LAGO_DISABLE_PDF_GENERATION"))

    smtp_address: str = Field("", validation_alias=_names("LAGO_SMTP_ADDRESS"))
    smtp_domain: str = Field("", validation_alias=_names("LAGO_SMTP_DOMAIN"))
    from_email: str = Field("tarn@localhost", validation_alias=_names("LAGO_FROM_EMAIL"))
    smtp_port: int = Field(587, validation_alias=_names("LAGO_SMTP_PORT"))
    smtp_username: str = Field("", validation_alias=_names("LAGO_SMTP_USERNAME"))
    smtp_password: str = Field("", validation_alias=_names("LAGO_SMTP_PASSWORD"))

    webhook_attempts: int = Field(3, validation_alias=_names("LAGO_WEBHOOK_ATTEMPTS"))
    webhook_timeout_seconds: float = Field(30, validation_alias=_names("LAGO_WEBHOOK_TIMEOUT_SECONDS"))
    # Private and link-local addresses are refused for outbound calls unless this is true.
    allow_private_outbound: bool = Field(False, validation_alias=_names("TARN_ALLOW_PRIVATE_OUTBOUND"))
    # How many days before its end a subscription is announced to end, with commas between.
    termination_alert_sent_at_days: str = Field(
        "15,45", validation_alias=_names("LAGO_SUBSCRIPTION_TERMINATION_ALERT_SENT_AT_DAYS")
    )
    # The EU's register of VAT numbers, asked for customers of entities with EU tax management.
    stripe_url: str = Field("https://api.stripe.com", validation_alias=_names("TARN_STRIPE_URL"))
    stripe_api_version: str = Field("2025-04-30.basil", validation_alias=_names("STRIPE_API_VERSION"))
    checkout_payment_delay_seconds: int = Field(
        600, validation_alias=_names("LAGO_CHECKOUT_AUTO_PAYMENT_DELAY_SECONDS"), ge=0
    )
    vies_url: str = Field(
        "https://ec.europa.eu/taxation_customs/vies/rest-api", validation_alias=_names("TARN_VIES_URL")
    )
    events_batch_max_length: int = Field(100, validation_alias=_names("LAGO_EVENTS_BATCH_MAX_LENGTH"))
    max_body_bytes: int = Field(10_000_000, validation_alias=_names("TARN_MAX_BODY_BYTES"))

    use_s3: bool = Field(False, validation_alias=_names("LAGO_USE_AWS_S3"))
    s3_access_key_id: str = Field("", validation_alias=_names("LAGO_AWS_S3_ACCESS_KEY_ID"))
    s3_secret_access_key: str = Field("", validation_alias=_names("LAGO_AWS_S3_SECRET_ACCESS_KEY"))
    s3_region: str = Field("us-east-1", validation_alias=_names("LAGO_AWS_S3_REGION"))
    s3_bucket: str = Field("", validation_alias=_names("LAGO_AWS_S3_BUCKET"))
    s3_endpoint: str = Field("", validation_alias=_names("LAGO_AWS_S3_ENDPOINT"))
    s3_path_style: bool = Field(False, validation_alias=_names("LAGO_AWS_S3_PATH_STYLE"))

    worker_concurrency: int | None = Field(None, validation_alias=_names("DRAMATIQ_CONCURRENCY", "SIDEKIQ_CONCURRENCY"))
    queue_analytics: bool = Field(False, validation_alias=_names("DRAMATIQ_ANALYTICS", "SIDEKIQ_ANALYTICS"))
    queue_billing: bool = Field(False, validation_alias=_names("DRAMATIQ_BILLING", "SIDEKIQ_BILLING"))
    queue_clock: bool = Field(False, validation_alias=_names("DRAMATIQ_CLOCK", "SIDEKIQ_CLOCK"))
    queue_events: bool = Field(False, validation_alias=_names("DRAMATIQ_EVENTS", "SIDEKIQ_EVENTS"))
    queue_payments: bool = Field(False, validation_alias=_names("DRAMATIQ_PAYMENTS", "SIDEKIQ_PAYMENTS"))
    queue_pdf: bool = Field(
        False, validation_alias=_names("DRAMATIQ_PDF", "DRAMATIQ_PDFS", "SIDEKIQ_PDF", "SIDEKIQ_PDFS")
    )
    queue_webhook: bool = Field(False, validation_alias=_names("DRAMATIQ_WEBHOOK", "SIDEKIQ_WEBHOOK"))
    queue_ai_agent: bool = Field(False, validation_alias=_names("DRAMATIQ_AI_AGENT", "SIDEKIQ_AI_AGENT"))
    worker_shutdown_seconds: float = Field(25, validation_alias=_names("TARN_WORKER_SHUTDOWN_SECONDS"))

    sentry_dsn: str = Field("", validation_alias=_names("SENTRY_DSN"))
    sentry_environment: str = Field("", validation_alias=_names("SENTRY_ENVIRONMENT"))
    sentry_traces_sample_rate: float = Field(0, validation_alias=_names("SENTRY_TRACES_SAMPLE_RATE"))
    sentry_enable_crons: bool = Field(False, validation_alias=_names("SENTRY_ENABLE_CRONS"))

    @property
    def termination_alert_days(self) -> tuple[int, ...]:
        """The days of `termination_alert_sent_at_days`; what is no number is passed over."""
        listed = (each.strip() for each in self.termination_alert_sent_at_days.split(","))
        return tuple(int(each) for each in listed if each.isdecimal() and len(each) < 5)

    @property
    def production(self) -> bool:
        return self.env == "production"

    @property
    def queue_redis(self) -> str:
        """Where the job queues live (role one: primary)."""
        return with_password(self.redis_url, self.redis_password)

    @property
    def cache_redis(self) -> str:
        """Where computed values live (role two: losing it is harmless)."""
        return with_password(self.redis_cache_url or self.redis_url, self.redis_cache_password or self._own(2))

    @property
    def store_redis(self) -> str:
        """Where event flags and throttling counters live (role three)."""
        return with_password(self.redis_store_url or self.redis_url, self.redis_store_password or self._own(3))

    def _own(self, role: int) -> str | None:
        """The primary's password, where a role without a URL of its own shares the primary."""
        shares = not (self.redis_cache_url if role == 2 else self.redis_store_url)
        return self.redis_password if shares else None

    def problems(self) -> list[str]:
        """What keeps a production process from starting, one sentence each; empty when all is well."""
        found = []
        required = {
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.redis_url,
            "LAGO_REDIS_CACHE_URL": self.redis_cache_url,
            "LAGO_REDIS_STORE_URL": self.redis_store_url,
            "RSA_PRIVATE_KEY": self.rsa_private_key,
        }
        found += [f"{name} is missing: set it in the environment." for name, value in required.items() if not value]
        secrets = {
            "SECRET_KEY_BASE": self.secret_key_base,
            "ENCRYPTION_PRIMARY_KEY": self.encryption_primary_key,
            "ENCRYPTION_KEY_DERIVATION_SALT": self.encryption_key_derivation_salt,
        }
        for name, value in secrets.items():
            if not value or value == DEVELOPMENT_SECRET:
                found.append(f"{name} is missing or still the development default: set a secret of its own.")
            elif len(value) < 16:
                found.append(f"{name} is too short: use at least 16 characters.")
        if self.use_s3 and not self.s3_bucket:
            found.append("LAGO_USE_AWS_S3 is on but LAGO_AWS_S3_BUCKET is missing: name the bucket.")
        return found


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process, read from the environment at the first call."""
    return Settings()
