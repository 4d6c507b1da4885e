"""What the server part says to people, in English and Japanese. The panel picks the language."""

from __future__ import annotations

from typing import Any

TEXTS: dict[str, tuple[str, str]] = {
    # connection
    "ready": ("Ready to send to {host}.", "{host} に送信する準備ができています。"),
    "sending": ("Connected to {host}.", "{host} に接続しています。"),
    "not-configured": (
        "Cell Monitor is not set up yet. Enter the address, your name and the class code.",
        "Cell Monitor はまだ設定されていません。アドレス、名前、クラスコードを入力してください。",
    ),
    "no-credential": (
        "{host} requires a class code. Ask your teacher for it.",
        "{host} にはクラスコードが必要です。先生に聞いてください。",
    ),
    "consent-needed": (
        "Nothing is sent until you agree.",
        "同意するまで何も送信されません。",
    ),
    "paused": ("Paused: nothing is recorded.", "一時停止中：何も記録されません。"),
    "waiting-for-confirmation": (
        "This device is waiting to be confirmed. Tell your teacher the number {check_number}, or confirm it on your other device.",
        "この端末は確認待ちです。番号 {check_number} を先生に伝えるか、別の端末で確認してください。",
    ),
    "unreachable": (
        "{host} cannot be reached. Nothing is lost; it is sent later.",
        "{host} に接続できません。データは失われず、後で送信されます。",
    ),
    "busy": (
        "{host} is busy. Nothing is lost; it is sent later.",
        "{host} が混み合っています。データは失われず、後で送信されます。",
    ),
    "refused": (
        "{host} does not accept this device any more. Ask your teacher, or connect again.",
        "{host} はこの端末を受け付けなくなりました。先生に聞くか、接続し直してください。",
    ),
    "wrong-address": (
        "{host} answers, but it is not Cell Monitor (status {status}). Check the address.",
        "{host} は応答しますが、Cell Monitor ではありません（ステータス {status}）。アドレスを確認してください。",
    ),
    "moved": (
        "{host} answers at another address: {url}. Enter that one.",
        "{host} は別のアドレス {url} で応答しています。そのアドレスを入力してください。",
    ),
    "login-page": (
        "Another page answers instead of {host}: {url}. Your network may want a login: open a web page in your browser and"
        " log in. Nothing is lost; it is sent then.",
        "{host} の代わりに別のページ（{url}）が応答しています。ネットワークへのログインが必要かもしれません。ブラウザーでページを開いて"
        "ログインしてください。データは失われず、その後送信されます。",
    ),
    "not-taken": (
        "{host} does not take what you entered. Check e-mail or student number, name, team and class code; names may"
        " have 255 characters.",
        "{host} は入力された内容を受け付けません。メールアドレスまたは学籍番号、名前、チーム、クラスコードを確認してください"
        "（名前とチームは 255 文字まで）。",
    ),
    "try-later": (
        "{host} was asked too often. It is asked again in a minute.",
        "{host} への問い合わせが多すぎます。1 分後にもう一度試します。",
    ),
    "code-unknown": (
        "This class code is not known, or it has expired. Ask your teacher for a new one.",
        "このクラスコードは無効か、期限が切れています。先生に新しいコードを聞いてください。",
    ),
    "bad-address": ("This is not the address of a server.", "サーバーのアドレスではありません。"),
    "school-decides": (
        "Your school has set this; it cannot be changed here.",
        "学校が設定しているため、ここでは変更できません。",
    ),
    # consent
    "consent": (
        "Cell Monitor sends to {host} what you run in notebooks: the code, its text output and errors, and when. Your teacher"
        " sees it live, with your name. Pictures, files and what you type without running it are never sent. You can pause"
        " at any time.",
        "Cell Monitor は、ノートブックで実行した内容（コード、テキスト出力、エラー、日時）を {host} に送信します。先生はあなたの名前とともに"
        "リアルタイムで見ることができます。画像、ファイル、実行していない入力は送信されません。いつでも一時停止できます。",
    ),
    "consent-given": (
        "Cell Monitor sends what you run to {host}, as your school agreed with you.",
        "学校との合意に基づき、Cell Monitor は実行した内容を {host} に送信します。",
    ),
    # help
    "help-off": ("You are not asking for help.", "ヘルプは依頼していません。"),
    "help-asking": ("Your request waits until {host} can be reached.", "{host} に接続でき次第、依頼が届きます。"),
    "help-asked": ("Your teacher sees that you are asking for help.", "ヘルプの依頼が先生に届いています。"),
    "help-queue": ("You are number {place} of {of} in the queue.", "順番は {of} 人中 {place} 番目です。"),
    "help-coming": ("{name} is on the way to you.", "{name} さんが向かっています。"),
    "help-somebody-coming": ("Somebody is on the way to you.", "先生が向かっています。"),
    "help-not-found": (
        "You were not found. You are still in the queue: stay at your place.",
        "先生が席に行きましたが見つかりませんでした。順番は残っています。席でお待ちください。",
    ),
    "help-answered": ("Your request was answered.", "ヘルプの依頼は対応済みです。"),
    "help-not-recording": (
        "You cannot ask for help while nothing is sent.",
        "送信していない間はヘルプを依頼できません。",
    ),
    # assignments
    "offline": ("{host} cannot be reached right now.", "現在 {host} に接続できません。"),
    "busy-now": (
        "{host} is busy right now. Try again in a minute.",
        "{host} は現在混み合っています。1 分後にもう一度お試しください。",
    ),
    "not-connected": ("This device is not connected to a class.", "この端末はクラスに接続されていません。"),
    "no-page": ("Your page cannot be opened right now.", "マイページを今は開けません。"),
    "no-starter": ("This assignment has no notebook to start from.", "この課題には配布ノートブックがありません。"),
    "fetched": ("{path} is in your files.", "{path} を用意しました。"),
    "not-written": ("The notebook could not be written: {why}", "ノートブックを書き込めませんでした：{why}"),
    "no-notebook": ("This is not a notebook.", "ノートブックではありません。"),
    "too-large": (
        "The notebook has {size} MB, and the limit is {limit} MB. Hand it in without outputs.",
        "ノートブックが {size} MB あり、上限は {limit} MB です。出力を除いて提出してください。",
    ),
    "too-large-there": (
        "Not handed in: the notebook has {size} MB, which is more than the server accepts. Hand it in without outputs.",
        "提出されていません：ノートブックが {size} MB あり、サーバーの上限を超えています。出力を除いて提出してください。",
    ),
    "disk": (
        "The disk is full, or cannot be written. Free some space, then try again.",
        "ディスクがいっぱいか、書き込めません。空き容量を増やしてから、もう一度お試しください。",
    ),
    "draft": (
        "Not handed in yet: {host} cannot be reached. It is saved here; hand it in again later.",
        "まだ提出されていません：{host} に接続できません。保存してあるので、後でもう一度提出してください。",
    ),
    "not-handed-in": ("Not handed in: {detail}", "提出されていません：{detail}"),
    "handed-in": (
        "Handed in: attempt {attempt}, received {submitted_at}.",
        "提出しました：{attempt} 回目、受付 {submitted_at}。",
    ),
    "receipt-differs": (
        "Handed in, but the server received something other than what was sent. Tell your teacher.",
        "提出しましたが、サーバーが受け取った内容が送信した内容と異なります。先生に伝えてください。",
    ),
    # kernel
    "kernel-off": (
        "Cell Monitor is off. `%cell_monitor on` switches it on: {consent}",
        "Cell Monitor はオフです。`%cell_monitor on` でオンになります：{consent}",
    ),
    "kernel-status": ("Cell Monitor: {state} {waiting} waiting.", "Cell Monitor：{state} 送信待ち {waiting} 件。"),
    "kernel-help": (
        "You are asking for help. `%help_stop` ends the request.",
        "ヘルプを依頼しました。`%help_stop` で取り消せます。",
    ),
    "kernel-help-stop": ("You are no longer asking for help.", "ヘルプの依頼を取り消しました。"),
    "kernel-usage": ("Usage: {usage}", "使い方：{usage}"),
}


def say(code: str, **values: Any) -> dict[str, str]:
    """Return {code, en, ja}. Values that a text does not name are ignored."""
    english, japanese = TEXTS[code]
    return {"code": code, "en": english.format(**values), "ja": japanese.format(**values)}
