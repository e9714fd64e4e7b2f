"""The ``serve`` command: the local server until it is interrupted."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import threading
from concurrent.futures import Future
from functools import partial

from app.backend import LoadProgress
from app.cli.output import attributes, print_json, print_note
from app.cli.plan import plan_options
from app.cli.progress import ProgressLine, cancel_on_interrupt
from app.config.pinned_key import key_suffix, split_key
from app.local_server.access import Access, is_loopback, is_origin
from app.local_server.certificate import own_certificate
from app.served_models import ServedModels
from app.services import Services
from model_manager.cancellation import CancelToken
from model_manager.errors import Cancelled, UserError


def run(services: Services, arguments: argparse.Namespace) -> None:
    """Load the model, serve it, and print the URL.

    Raises:
        UserError: the model can't be loaded, or as ``LocalServer.start``.
        KeyboardInterrupt: the usual end.
    """
    # Without a certificate's fingerprint, which the key from the settings has.
    key = split_key(os.environ.get(arguments.api_key_env or "", ""))[0]
    if arguments.api_key_env and not key:
        raise UserError("key_variable_empty", name=arguments.api_key_env)
    origins = tuple(arguments.allow_origin or ())
    if wrong := next((origin for origin in origins if not is_origin(origin)), None):
        raise UserError("origin_wrong", text=wrong)
    model_id = arguments.model or services.settings.current.model_id or "starter"
    models = ServedModels(services, model_id, plan_options(arguments))
    embeds = models().embeds
    token = CancelToken()
    with cancel_on_interrupt(token.cancel):
        certificate, problem, suffix = None, None, ""
        if not is_loopback(arguments.host) and not arguments.plain_http:
            certificate, problem = own_certificate(services.folder.certificate_file)
            suffix = key_suffix(certificate.fingerprint)
        # Before the load, which may take minutes: a port in use is reported at once.
        url = services.local_server.start(Access(arguments.host, arguments.port, key, origins, certificate), models)
        if problem is not None:
            print_note(problem)
        if suffix:
            print_note(
                f"encrypted: APUS Chat on other computers needs the API key with {suffix} appended; programs on this "
                "one use plain HTTP; for other programs there use --plain-http"
            )
        elif not is_loopback(arguments.host):
            print_note("plain HTTP: the questions, answers and the key can be read on the network")
        loaded: Future[None] = Future()
        if embeds:
            loaded.set_result(None)
        else:
            services.worker.submit(partial(_load, models, token, loaded), token)
        with contextlib.suppress(Cancelled):
            loaded.result()
            model = models()
            if arguments.json:
                address = {"url": url, "api_base": f"{url}/v1", "key_suffix": suffix}
                print_json({**address, **attributes(model, "id", "context")})
            else:
                sys.stdout.write(f"{url}\n")
                sys.stdout.flush()
                print_note(f"serving {model.id}; the API base for other programs is {url}/v1; Ctrl+C ends it")
            token.wait(threading.TIMEOUT_MAX)
    raise KeyboardInterrupt


def _load(models: ServedModels, token: CancelToken, loaded: Future[None]) -> None:
    try:
        with ProgressLine("load", quiet=True) as line:
            for event in models.load(token):
                if isinstance(event, LoadProgress):
                    line.show_share(event.fraction)
    except (UserError, Cancelled) as error:
        loaded.set_exception(error)
    else:
        loaded.set_result(None)
