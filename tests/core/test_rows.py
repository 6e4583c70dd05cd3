"""Tables as people and spreadsheets write them, and what is said of those that cannot be read."""

import io
from pathlib import Path

import pytest
from kling26.core.errors import UsageError
from kling26.core.images import ImageOnDisk
from kling26.core.request import VideoRequest
from kling26.core.rows import fill_outputs, read_rows
from kling26.core.runner.many import Row


def read(
    folder: Path, content: str | bytes, name: str = "t.csv", provider: str = "kie"
) -> list[Row]:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_rows(path, provider)


def problem(folder: Path, content: str | bytes, name: str = "t.csv") -> str:
    with pytest.raises(UsageError) as error:
        read(folder, content, name)
    return str(error.value).replace(str(folder) + "/", "")


@pytest.mark.parametrize(
    "content",
    [
        "prompt,duration,name\r\nA fox,10,a\r\n",
        "\ufeffprompt,duration,name\nA fox,10,a",
        "prompt;duration;name\nA fox;10;a\n",
        "prompt\tduration\tname\nA fox\t10\ta\n",
        "sep=;\r\nprompt;duration;name\r\nA fox;10;a\r\n",
        "\ufeffsep=;\nprompt;duration;name\nA fox;10;a\n",
        '"prompt","duration","name"\n"A fox","10","a"\n',
        "prompt,duration,name\n\n,,\nA fox, 10 ,a\n\n",
        "prompt,duration,name,,\nA fox,10,a,,\n",
        "prompt;duration;name\nA fox;10;a\n".encode("utf-16"),
        b"\xfe\xff" + "prompt\tduration\tname\nA fox\t10\ta\n".encode("utf-16-be"),
        "\n".join(['{"prompt": "A fox", "duration": 10, "name": "a"}']),
        '\n{"prompt": "A fox", "duration": "10", "name": "a", "seed": null}\n\n',
    ],
)
def test_one_row_however_it_is_written(tmp_path: Path, content: str | bytes) -> None:
    (row,) = read(tmp_path, content, "t.any")

    assert (row.request.prompt, row.request.duration) == ("A fox", 10)
    assert row.labels["name"] == "a"


def test_line_breaks_quotes_and_separators_in_a_cell_belong_to_it(tmp_path: Path) -> None:
    (row,) = read(tmp_path, 'prompt,name\n"A ""red"", quick\r\nfox","a;b"\n')

    assert row.request.prompt == 'A "red", quick\r\nfox'
    assert row.labels == {"name": "a;b"}


def test_a_separator_inside_a_json_string_does_not_end_the_line(tmp_path: Path) -> None:
    (row,) = read(tmp_path, '{"prompt": "one\u2028two"}\n', "t.jsonl")

    assert row.request.prompt == "one\u2028two"


@pytest.mark.parametrize(
    ("cell", "sound"),
    [("TRUE", True), ("yes", True), ("1", True), ("False", False), ("NO", False), ("0", False),
     ("", False)],
)  # fmt: skip
def test_booleans_as_spreadsheets_and_people_write_them(
    tmp_path: Path, cell: str, sound: bool
) -> None:
    (row,) = read(tmp_path, f"prompt,sound\nA,{cell}\n")

    assert row.request.sound is sound


def test_own_options_belong_to_the_providers_of_the_rows(tmp_path: Path) -> None:
    table = "prompt,provider,mode\nA,cometapi,pro\nB,cometapi,\n"

    first, second = read(tmp_path, table)
    (label,) = read(tmp_path, "prompt,mode\nA,night\n")
    (any_of,) = read(tmp_path, "prompt,mode\nA,pro\n", provider="auto")

    assert (first.options, second.options) == ({"mode": "pro"}, None)
    assert (label.options, label.labels) == (None, {"mode": "night"})
    assert any_of.options == {"mode": "pro"}


def test_a_picture_is_not_read_before_it_is_needed(tmp_path: Path) -> None:
    missing, url = read(tmp_path, "prompt,image\nA,not-there.png\nB,https://a.example/b.png\n")

    assert isinstance(missing.request.image, ImageOnDisk)
    assert url.request.image == "https://a.example/b.png"
    with pytest.raises(UsageError, match="No such file"):
        _ = missing.request.image.data


def test_what_a_report_has_added_is_not_read_again(tmp_path: Path) -> None:
    added = "task,state,file,cost,cost_unit,cost_usd,error"

    (row,) = read(tmp_path, f"prompt,name,{added}\nA,fox,k26-1,stored,/a.mp4,55,credits,0.2,\n")
    (own,) = read(tmp_path, "prompt,state\nA,Ohio\n")

    assert row.labels == {"name": "fox"}
    assert own.labels == {"state": "Ohio"}


def test_json_has_its_own_types(tmp_path: Path) -> None:
    line = '{"prompt": "A", "sound": true, "seed": 18446744073709551615, "take": 2, "night": false}'

    (row,) = read(tmp_path, line, "t.jsonl")

    assert (row.request.sound, row.request.seed) == (True, 2**64 - 1)
    assert row.labels == {"take": "2", "night": "false"}


def test_an_open_file_will_do() -> None:
    (row,) = read_rows(io.StringIO("prompt,name\nA,b\n"), "kie")

    assert row.request.prompt == "A"


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        ("", "t.csv", '"t.csv" is empty.'),
        ("\ufeff \n\n", "t.csv", '"t.csv" is empty.'),
        ("prompt,name\n", "t.csv", '"t.csv" has a header and no rows.'),
        ("name\nA\n", "t.csv", '"t.csv" cannot be used. There is no column prompt'),
        (
            "prompt,prompts\nA,\n",
            "t.csv",
            'The column "prompts" is not known; did you mean "prompt"?',
        ),
        ("prompt,Aspect Ratio\nA,\n", "t.csv", 'did you mean "aspect_ratio"?'),
        ("prompt,row\nA,1\n", "t.csv", 'The column "row" is called like the number of a row'),
        ("prompt,a,a\nA,1,2\n", "t.csv", '"t.csv" has more than one column "a".'),
        ("prompt,,a\nA,1,2\n", "t.csv", '"t.csv" has no name for column 2.'),
        ("prompt,a\nA,1\nB\nC,1,2\n", "t.csv", "row 2: it has 1 cell, and the header has 2."),
        ('prompt,a\nA,1\n"B,1\n', "t.csv", 'at row 2: a quote (") is never closed.'),
        ("prompt\n" + "x" * 200_000, "t.csv", "at row 1: a cell is longer than 131 kB."),
        (b"prompt\nA\nB \xe9\n", "t.csv", '"t.csv" is not UTF-8 in line 3. Save it as UTF-8.'),
        ("prompt\nÄ\n".encode("utf-16")[:-1], "t.csv", '"t.csv" is not UTF-16 in line'),
        (
            "prompt\nA\n".encode("utf-16-le"),
            "t.csv",
            "in line 1 that is no text (NUL). Save it",
        ),
        ("prompt\nA\n".encode("utf-32"), "t.csv", '"t.csv" is in UTF-32. Save it as UTF-8.'),
        (b"PK\x03\x04rest", "t.xlsx", '"t.xlsx" is a workbook or an archive, not text. Save'),
        ('[{"prompt": "A"}]', "t.json", '"t.json" is a JSON array.'),
        ('{"prompt": "A", "x": [1]}', "t.jsonl", 'row 1: "x" must be text, a number, true or'),
        ('{"prompt": "A", "prompt": "B"}', "t.jsonl", 'row 1: it has "prompt" more than once.'),
        ('{"prompt": "A", "seed": NaN}', "t.jsonl", "row 1: NaN is no number in JSON."),
        ('{"prompt": "A"}\n{"prompt"', "t.jsonl", "row 2: it is no JSON object on one line"),
        ('{"prompt": "A"}\n5\n', "t.jsonl", "row 2: it must be an object; got 5."),
        ('{"prompt": "A", "x": "\\ud800"}', "t.jsonl", "half of a surrogate pair"),
        ("prompt,image,aspect_ratio\nA,a.png,1:1\n", "t.csv", "cannot be combined with image"),
    ],
)
def test_what_cannot_be_read_is_said_with_its_place(
    tmp_path: Path, content: str | bytes, name: str, said: str
) -> None:
    assert said in problem(tmp_path, content, name)


def test_a_folder_and_a_missing_file_are_no_tables(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read: it is a folder"):
        read_rows(tmp_path)
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        read_rows(tmp_path / "none.csv")


# -- outputs -----------------------------------------------------------------------------------


def named(*names: str, output: str | None = None) -> list[Row]:
    return [Row(VideoRequest("A fox"), output=output, labels={"name": each}) for each in names]


def output_problem(rows: list[Row], template: str, table: Path | None = None) -> str:
    with pytest.raises(UsageError) as error:
        fill_outputs(rows, template, provider="kie", table=table)
    return str(error.value)


def test_each_row_gets_a_path_of_its_own_whose_folder_is_made(tmp_path: Path) -> None:
    rows = [*named("AC/DC", "con"), *named("own", output=f"{tmp_path}/{{name}}.mp4")]

    found = fill_outputs(rows, f"{tmp_path}/new/{{name}}-{{row:02}}-{{duration}}.mp4")
    devices = fill_outputs(named("con"), f"{tmp_path}/{{name}}.mp4")

    assert [row.output for row in found] == [
        tmp_path / "new" / "AC_DC-01-5.mp4",
        tmp_path / "new" / "con-02-5.mp4",
        tmp_path / "own.mp4",
    ]
    assert devices[0].output == tmp_path / "_con.mp4"
    assert (tmp_path / "new").is_dir()
    assert [row.output for row in fill_outputs(named("a"))] == [None]


def test_all_outputs_that_cannot_be_are_told_at_once(tmp_path: Path) -> None:
    told = output_problem(named("a", "", "A", "b"), f"{tmp_path}/new/{{name}}.mp4")

    assert "row 2: {name} is in the output, and empty here." in told
    assert "rows 1 and 3 would both be written to" in told
    assert not (tmp_path / "new").exists()


def test_an_output_never_replaces_the_table(tmp_path: Path) -> None:
    table = tmp_path / "rows.csv"

    told = output_problem(named("rows"), f"{tmp_path}/{{name}}.CSV", table)

    assert told.startswith(f'"{table}" has to be changed first: row 1: it would be written to')
    assert told.endswith("which is the table itself.")


def test_many_outputs_that_cannot_be_written_are_counted(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    told = output_problem(named(*"abcdefghijkl"), f"{tmp_path}/file/{{name}}.mp4")

    assert told.count("row ") == 10
    assert told.endswith("And 2 more.")
