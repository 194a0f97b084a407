"""Names of secrets, and names that only look alike."""

from __future__ import annotations

import pytest

from bridgekit.wire.secrets import HIDDEN, is_secret, redacted


@pytest.mark.parametrize(
    "name",
    [
        "password", "PASSWORD", "db_password", "DB_PASSWORD_FILE", "--password", "userPassword",
        "passphrase", "token", "API_TOKEN", "githubToken", "access-token", "client_secret",
        "clientSecret", "SECRET_KEY", "apikey", "API_KEY", "apiKey", "x-api-key", "private_key",
        "AWS_SECRET_ACCESS_KEY", "authorization", "credentials", "session.cookie", "dbpassword",
        "user.password", "PGPASSWORD", "pwd", "DB_PWD",
    ],
)  # fmt: skip
def test_secrets(name: str) -> None:
    assert is_secret(name)


@pytest.mark.parametrize(
    "name",
    [
        "", "-", "name", "PATH", "HOME", "tokens", "max_tokens", "tokenizer", "key", "keyboard",
        "sort_key", "author", "secretary", "passport", "SSH_AUTH_SOCK", "spin", "a", "pinned",
        "PWD", "OLDPWD",
    ],
)  # fmt: skip
def test_others(name: str) -> None:
    assert not is_secret(name)


def test_values_are_replaced_by_name_at_any_depth() -> None:
    value = {"user": {"password": "x", "name": "Ada"}, "all": [{"token": [1]}], 1: "kept"}
    assert redacted(value) == {
        "user": {"password": HIDDEN, "name": "Ada"},
        "all": [{"token": HIDDEN}],
        1: "kept",
    }
    assert redacted("text") == "text"
