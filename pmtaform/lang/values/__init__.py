"""What the values of PowerMTA's directives mean: whether they are right, when two are the same, what may be shown.

The facts are those of the 5.0 guides and the 4.5 release notes. Where they are silent, nothing is called wrong
(`problem` says None) and nothing is called the same (`normalise` keeps two spellings apart): a change that is
not a change costs a look, a change that goes unseen costs mail.
"""

from pmtaform.lang.values.arguments import argument_problem, normalise_argument
from pmtaform.lang.values.check import problem
from pmtaform.lang.values.normal import normalise
from pmtaform.lang.values.numbers import (
    Rate,
    Size,
    faster_by,
    parse_bool,
    parse_cidr,
    parse_duration,
    parse_rate,
    parse_size,
)
from pmtaform.lang.values.show import SENSITIVE, mask, shown

__all__ = [
    "SENSITIVE",
    "Rate",
    "Size",
    "argument_problem",
    "faster_by",
    "mask",
    "normalise",
    "normalise_argument",
    "parse_bool",
    "parse_cidr",
    "parse_duration",
    "parse_rate",
    "parse_size",
    "problem",
    "shown",
]
