import pytest
from case import CLIENT_KEY
from gateway import Gateway
from upstream import RecordingUpstream


@pytest.fixture(scope="session")
def upstream():
    recorder = RecordingUpstream(forbidden=CLIENT_KEY)
    yield recorder
    recorder.close()


@pytest.fixture(scope="session")
def gateway(upstream, tmp_path_factory):
    served = Gateway(tmp_path_factory.mktemp("strictness"), upstream.port)
    yield served
    exit_code = served.stop()
    assert exit_code == 0, served.log.read_text()
    assert upstream.take() == ([], []), "a request went up after its case had ended"


@pytest.fixture(autouse=True)
def provider_of_completions(upstream):
    """Every test begins with a provider that behaves."""
    upstream.play(None)
