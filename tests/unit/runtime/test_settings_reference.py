"""The reference page and `config show`."""

from dataclasses import dataclass

from posthouse.runtime.settings import Duration, Schema, Secret, Section, Size, secret, setting
from posthouse.runtime.settings_load import load
from posthouse.runtime.settings_reference import drift, render_reference, render_show, shown


@dataclass(frozen=True, slots=True)
class Sample:
    """A sample section."""

    wait: Duration = setting(Duration(90), "Wait|pause.", why="Because.", least=1, most=3600)
    limit: Size = setting(Size(1 << 20), "Limit.", why="Because.", most=1 << 30)
    cap: int = setting(5, "Cap.", why="Because.", unit="connections", least=1)
    name: str | None = setting(None, "Name.", why="Because.")
    empty: str = setting("", "Empty.", why="Because.")
    password: Secret | None = secret("Password.", why="Because.")


SCHEMA = Schema((Section("sample", Sample),))


def test_each_key_has_type_unit_default_and_why() -> None:
    page = render_reference(SCHEMA)
    assert "## [sample]\n\nA sample section.\n" in page
    assert "| `wait` | duration, 1s to 1h | `90s` | Wait\\|pause. *Because.* |" in page
    assert "| `limit` | size, at most 1GiB | `1MiB` | Limit. *Because.* |" in page
    assert "| `cap` | whole number, connections, at least 1 | `5` | Cap. *Because.* |" in page
    assert "| `name` | text | – | Name. *Because.* |" in page
    assert '| `empty` | text | `""` | Empty. *Because.* |' in page
    assert "| `password_file` | secret (`POSTHOUSE_SAMPLE_PASSWORD`) | – | Password. *Because.* |" in page


def test_show_masks_secrets_and_names_origins() -> None:
    settings = load(SCHEMA, None, {"POSTHOUSE_SAMPLE_PASSWORD": "hunter2"}, ["sample.cap=7"])
    rows = {row.key: row for row in shown(settings)}
    assert (rows["cap"].value, rows["cap"].origin, rows["cap"].where) == ("7", "flag", "--set sample.cap")
    assert (rows["password"].value, rows["password"].origin) == ("***", "environment")
    assert (rows["wait"].value, rows["wait"].origin, rows["wait"].where) == ("90s", "default", "")
    assert rows["name"].value is None
    text = render_show(settings)
    assert text.startswith("[sample]\nwait = 90s")
    assert "hunter2" not in text
    assert "name = (unset)" in text


def test_show_can_leave_out_defaults() -> None:
    assert render_show(load(SCHEMA), changed_only=True) == ""
    assert render_show(load(SCHEMA, None, {}, ["sample.cap=7"]), changed_only=True).splitlines()[0] == "[sample]"


def test_drift_shows_what_is_out_of_date() -> None:
    page = render_reference(SCHEMA)
    assert drift(SCHEMA, page) == ""
    found = drift(SCHEMA, page.replace("`90s`", "`80s`"))
    assert "-| `wait` | duration, 1s to 1h | `80s` |" in found
    assert "+| `wait` | duration, 1s to 1h | `90s` |" in found
