"""What a question finds without a text index."""

from __future__ import annotations

import pytest

from social.words import Wanted, score, wanted


@pytest.mark.parametrize(
    ("question", "meant"),
    [
        ("Red tea", Wanted(frozenset({"red", "tea"}))),
        ('"red tea" pot', Wanted(frozenset({"red", "tea", "pot"}), ("red tea",))),
        ("tea -milk", Wanted(frozenset({"tea"}), without=frozenset({"milk"}))),
        ('tea -"with milk"', Wanted(frozenset({"tea"}), without_phrases=("with milk",))),
        ("#Tea, please!", Wanted(frozenset({"tea", "please"}))),
        ('{"$gt": ""}', Wanted(frozenset({"gt"}))),
        ("-milk", Wanted(frozenset(), without=frozenset({"milk"}))),
        ('"', Wanted(frozenset())),
        (".* $where", Wanted(frozenset({"where"}))),
        ("ΌΣΟΣ", Wanted(frozenset({"όσοσ"}))),
    ],
)
def test_what_is_meant(question: str, meant: Wanted) -> None:
    assert wanted(question) == meant


@pytest.mark.parametrize(
    ("question", "text", "hashtags", "points"),
    [
        ("tea", "Tea", [], 10),  # one of one word
        ("tea", "tea for two and two", [], 10 * (0.5 + 1 / 10)),
        ("tea", "tea tea", [], 10 * 1.5),  # a second time counts half
        ("tea", "", ["tea"], 5),
        ("tea", "tea", ["tea", "pot"], 10 + 5 * 0.75),
        ("tea pot", "tea pot", [], 15),
        ("tea", "teapot", [], 0),
        ("tea -pot", "tea pot", [], 0),
        ("tea -pot", "tea", ["pot"], 0),
        ('"red tea"', "tea red", [], 0),
        ('"red tea"', "a red tea", [], 2 * 10 * (0.5 + 1 / 6)),
        ('tea -"red tea"', "a red tea", [], 0),
    ],
)
def test_how_well_a_post_answers(question: str, text: str, hashtags: list[str], points: float) -> None:
    assert score(wanted(question), text, hashtags) == pytest.approx(points)
