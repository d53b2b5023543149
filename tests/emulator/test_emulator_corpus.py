"""Every real configuration of the corpus: what the emulator makes of it.

Templates with placeholders in them, excerpts and inventions do not load, as they would not on a server.
"""

import shutil
from pathlib import Path

import pytest

CORPUS = Path(__file__).parent.parent / "corpus"
MAIN = "/etc/pmta/config"
EXPECTED = {
    "001-config-defaults-isp-rollup.conf": None,
    "002-config-sample-pools.conf": (93, MAIN),
    "003-config-sample-17-vmtas.conf": (117, MAIN),
    "004-bouncy-sink-blackhole.conf": None,
    "005-bouncy-sink-blackhole-2018.conf": None,
    "006-warmup-pool-prod.conf": None,
    "007-default-sample-mini.conf": None,
    "008-default-sample-raw.conf": None,
    "009-default-sample-crlf-warmup.conf": None,
    "010-autoinstall-sed-template.conf": None,
    "011-autoinstall-sed-template-b.conf": None,
    "012-autoinstall-zh-vmta.conf": (5, MAIN),
    "013-autoinstall-zh-config21.conf": (5, MAIN),
    "014-strict-mailfrom-routing-5vmta.conf": (743, MAIN),
    "015-strict-mailfrom-routing-older.conf": (594, MAIN),
    "016-panel-5vmta-short.conf": None,
    "017-panel-5vmta-shorter.conf": None,
    "018-hetzner-two-ip-pool.conf": None,
    "019-hetzner-reference-no-vmta.conf": None,
    "020-ai-braces-heredoc-vps2.conf": (7, MAIN),
    "021-ai-pattern-email-map.conf": (10, MAIN),
    "022-ai-listener-suboptions.conf": (10, MAIN),
    "023-second-instance-minimal.conf": (4, MAIN),
    "024-gist-xml-comment.conf": (8, MAIN),
    "025-pastebin-three-domains.conf": None,
    "026-pastebin-vendor-sample-head.conf": None,
    "027-pastebin-mailru-head.conf": (6, MAIN),
    "028-csdn-blog-patterns-head.conf": (12, MAIN),
    "029-readme-fbl-bounce-acct.conf": (47, MAIN),
    "030-readme-proxy.conf": None,
    "031-docs-relay-to-sparkpost.conf": (2, MAIN),
    "032-virtualhost-template-echo.conf": (78, MAIN),
    "033-iresponse-alt-vmta-tpl.conf": (6, MAIN),
    "034-sample-old-commented-vmtas.conf": (111, MAIN),
    "035-ai-braces-heredoc-scalable.conf": (6, MAIN),
    "036-iresponse-fork-isps.conf": (182, MAIN),
    "s01-cli-build-include": (15, "/etc/pmta/conf.d/mailer-main-vmtas.conf"),
    "s02-iresponse-default": (5, "/etc/pmta/parameters/pmta_http.conf"),
    "s03-iresponse-custom": (5, "/etc/pmta/parameters/pmta_http.conf"),
}


def test_every_file_of_the_corpus_is_expected():
    assert {path.name for path in CORPUS.iterdir()} - {"INDEX.tsv"} == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_the_corpus(host, name):
    where = CORPUS / name
    shutil.copytree(where, host.root / "etc/pmta", dirs_exist_ok=True) if where.is_dir() else host.copy(where)
    code, result = host.pmta("test", "config")
    expected = EXPECTED[name]
    if expected is None:
        assert (code, result) == (0, "")
    else:
        assert code == 1
        assert result.startswith("Error in line {} of {}: ".format(*expected))
