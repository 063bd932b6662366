from aikd_tune.report.markup import bullets, code, facts, fold, paragraph


def test_every_text_is_escaped() -> None:
    sign = "<b>"
    pieces = [paragraph(sign), paragraph(sign, "lead"), bullets([sign])]
    pieces += [facts([(sign, sign)]), code(sign, sign), fold(sign, "")]
    for piece in pieces:
        assert sign not in piece
        assert "&lt;b&gt;" in piece


def test_nothing_to_say_gives_nothing() -> None:
    assert paragraph("") == ""
    assert bullets([]) == ""
