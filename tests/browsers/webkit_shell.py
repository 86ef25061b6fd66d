"""A window with WebKitGTK in it, for WebKitWebDriver. Runs under the system's Python, which has PyGObject.

Not the MiniBrowser, because that forgets everything at its end when it is automated, and in such sessions
WebKit keeps its console to itself.
"""

from __future__ import annotations

import argparse
import os

import gi

gi.require_version("Gtk", "3.0")
gi.require_version("WebKit2", "4.1")
from gi.repository import Gtk, WebKit2  # noqa: E402 - the versions come first


def settings(without: str | None) -> WebKit2.Settings:
    chosen = WebKit2.Settings(enable_write_console_messages_to_stdout=True)
    features = WebKit2.Settings.get_all_features()
    for feature in map(features.get, range(features.get_length())):
        if feature.get_identifier() == without:
            chosen.set_feature_enabled(feature, False)
    return chosen


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--console", required=True, help="file for console messages")
    parser.add_argument("--profile", help="folder to keep everything in; without one the session is private")
    parser.add_argument("--without", help="a WebKit feature to turn off")
    options = parser.parse_args()
    for stream in (1, 2):  # the pages' processes inherit them
        os.dup2(os.open(options.console, os.O_WRONLY | os.O_CREAT | os.O_APPEND), stream)
    place = {"base_data_directory": options.profile, "base_cache_directory": options.profile}
    data = WebKit2.WebsiteDataManager(**(place if options.profile else {"is_ephemeral": True}))
    web = WebKit2.WebContext(website_data_manager=data)
    web.set_automation_allowed(True)
    if options.profile:
        kind = WebKit2.CookiePersistentStorage.SQLITE
        web.get_cookie_manager().set_persistent_storage(os.path.join(options.profile, "cookies"), kind)

    def create(_session: WebKit2.AutomationSession) -> WebKit2.WebView:
        view = WebKit2.WebView(
            web_context=web, settings=settings(options.without), is_controlled_by_automation=True
        )
        window = Gtk.Window(default_width=1000, default_height=800)
        window.add(view)
        window.show_all()
        view.connect("close", lambda _view: window.destroy())
        window.connect("destroy", lambda _window: Gtk.main_quit())
        return view

    def start(_web: WebKit2.WebContext, session: WebKit2.AutomationSession) -> None:
        about = WebKit2.ApplicationInfo()
        about.set_name("MiniBrowser")  # the name that WebDriver clients ask for
        about.set_version(
            WebKit2.get_major_version(), WebKit2.get_minor_version(), WebKit2.get_micro_version()
        )
        session.set_application_info(about)
        session.connect("create-web-view", create)

    web.connect("automation-started", start)
    Gtk.main()


if __name__ == "__main__":
    main()
