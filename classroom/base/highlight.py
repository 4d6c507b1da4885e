"""Python code as HTML, with the kinds of its tokens as class names: the colours follow the theme.

Every piece is escaped, and control sequences are removed before. Magics and other languages stay plain where the lexer
does not know them.
"""

from functools import lru_cache

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from pygments.lexers.python import PythonLexer
from pygments.token import Comment, Keyword, Name, Number, Operator, String

from classroom.base.ansi import plain_code

# The first that contains a token counts.
CLASSES = (
    (Comment, "code-comment"),
    (String, "code-string"),
    (Number, "code-number"),
    (Keyword, "code-keyword"),
    (Operator.Word, "code-keyword"),
    (Name.Function, "code-name"),
    (Name.Class, "code-name"),
    (Name.Decorator, "code-name"),
    (Name.Builtin, "code-name"),
    (Name.Exception, "code-name"),
)
MAX_LENGTH = 3_000  # characters; longer code stays plain: each token costs a page some bytes
_lexer = PythonLexer(stripnl=False, ensurenl=False)


@lru_cache(maxsize=1024)
def highlighted(text: str | None) -> SafeString:
    """Return code as HTML. Never raises."""
    code = plain_code(text)
    if len(code) > MAX_LENGTH:
        return escape(code)
    parts = []
    for token, piece in _lexer.get_tokens(code):
        name = next((name for kind, name in CLASSES if token in kind), "")
        shown = escape(piece)
        parts.append(f'<span class="{name}">{shown}</span>' if name else shown)
    return mark_safe("".join(parts))  # noqa: S308 - every piece is escaped, and the classes are constants
