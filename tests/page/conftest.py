"""One headless Chromium for all tests of the page, whose microphone says the shipped question and whose camera shows a clock."""

import shutil
import time
from pathlib import Path

import pytest

from tests.page.stand_in import StandIn

QUESTION = Path(__file__).parents[2] / "examples" / "question.wav"
PATIENCE_S = 60  # a busy machine may take its time; nothing here measures speed


def chromium(*flags: str):
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed: pip install 'duologue[dev]'")
    browser, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not browser or not driver:
        pytest.skip("no Chromium here: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1000,800", *flags):
        options.add_argument(flag)
    return webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))


@pytest.fixture(scope="session")
def browser():
    driver = chromium(
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-audio-capture={QUESTION}",
    )
    yield driver
    driver.quit()


class Visit:
    """The page, opened, with the stand-in behind it."""

    def __init__(self, browser, server: StandIn):
        self.browser, self.server = browser, server
        browser.get(server.url)

    def click(self, id: str) -> None:
        self.browser.find_element("id", id).click()

    def js(self, script: str, *values):
        return self.browser.execute_script(script, *values)

    def text(self, id: str) -> str:
        return self.js("return document.getElementById(arguments[0]).textContent", id)

    def state(self) -> str:
        return self.js("return document.body.dataset.state")

    def captions(self) -> list[str]:
        return self.js("return [...document.querySelectorAll('#captions li p')].map((line) => line.textContent)")

    def begin(self, how: str = "start-typing") -> None:
        self.click(how)
        self.until(lambda: self.state() == "live")

    @staticmethod
    def until(true, seconds: float = PATIENCE_S):
        """Waits for something to become true, and returns it."""
        end = time.monotonic() + seconds
        while not (value := true()):
            assert time.monotonic() < end, f"never became true: {true.__code__.co_filename}:{true.__code__.co_firstlineno}"
            time.sleep(0.1)
        return value


@pytest.fixture
def visit(browser):
    server = StandIn()
    yield Visit(browser, server)
    browser.get("about:blank")
    server.close()
