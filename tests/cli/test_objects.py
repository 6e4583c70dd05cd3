"""The JSON objects: what a program can compute with."""

from typing import Any

from .conftest import User

TEXT = ("task", "provider", "state", "standing", "prompt", "aspect_ratio")


def test_a_stored_video_says_all_that_is_known_of_it(user: User) -> None:
    made = user.call("generate", "A heron", "--sandbox", "--seed", "7", "--json").object

    assert all(isinstance(made[key], str) and made[key] for key in TEXT)
    assert (made["standing"], made["sandbox"], made["reused"]) == ("stored", True, False)
    assert (made["prompt"], made["seed"], made["duration"]) == ("A heron", 7, 5)
    assert (made["options"], made["outputs"], made["sound"]) == ({}, [], False)
    assert made["created"] <= made["submitted"] <= made["finished"]
    assert (made["error"], made["code"], made["remedy"]) == (None, None, None)


def test_the_path_that_it_is_written_to_is_told(user: User) -> None:
    output = str(user.folder / "a.mp4")
    user.call("generate", "A heron", "--sandbox", "--output", output)

    assert user.call("tasks", "--json").object["outputs"] == [output]


def test_a_lost_answer_comes_with_what_to_do(user: User) -> None:
    lost = faulty(user, "reset_after_accept")

    assert (lost["state"], lost["standing"], lost["file"]) == ("unknown", "unclear", None)
    command = f"kling26 resubmit {lost['task']}"
    assert lost["remedy"] == {"do": "resubmit", "command": command}


def test_what_is_being_made_is_resumed(user: User) -> None:
    late = user.call("generate", "A heron", "--sandbox", "--timeout", "0.5", "--json").object

    assert late["standing"] == "at_provider"
    assert late["remedy"] == {"do": "resume", "command": f"kling26 resume {late['task']}"}


def test_a_missing_key_names_the_command_that_sets_it(user: User) -> None:
    told = user.call("generate", "A heron", "--json", KIE_API_KEY=None).object

    assert told["remedy"] == {"do": "set_key", "command": "kling26 keys set kie"}
    assert (told["task"], told["state"], told["reused"]) == (None, None, None)


def faulty(user: User, fault: str) -> dict[str, Any]:
    line = ("generate", "A heron", "--sandbox", "--json")
    return user.call(*line, KLING26_SANDBOX_FAULTS=fault).object
