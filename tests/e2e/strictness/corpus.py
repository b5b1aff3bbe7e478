"""All rows, by theme."""

import corpus_chunked
import corpus_expect
import corpus_fields
import corpus_framing
import corpus_host
import corpus_pipelining
import corpus_request_line
import corpus_sizes

THEMES = {
    "request line": corpus_request_line.CASES,
    "host": corpus_host.CASES,
    "fields": corpus_fields.CASES,
    "framing": corpus_framing.CASES,
    "chunked": corpus_chunked.CASES,
    "pipelining": corpus_pipelining.CASES,
    "expect": corpus_expect.CASES,
    "sizes": corpus_sizes.CASES,
}

ROWS = {f"{theme}: {case.name}": case for theme, cases in THEMES.items() for case in cases}
