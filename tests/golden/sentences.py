# SPDX-License-Identifier: Apache-2.0
"""The texts of the tokenizer's tests."""

PLAIN = """a photo of a cat
A Photo Of A CAT.
two dogs playing in the snow, near a red barn!
"quoted" and 'single quoted' text
it's what we've got; they're sure I'm not, he'd said you'll see
IT'S WHAT WE'VE GOT; THEY'RE SURE I'M NOT, HE'D SAID YOU'LL SEE
rock'n'roll o'clock 'tis 'twas
1234567890 12,345.67 3.14e-10 0x1F
the 80s, 90's and 2000s
snake_case and kebab-case and CamelCaseWords
e-mail me at someone@example.com or visit https://example.org/a?b=c&d=e#f
C++ is not C#, nor F#
50% off!!! $9.99 only???
(parentheses) [brackets] {braces} <angles>
#hashtag @mention ~tilde `backtick` ^caret |pipe\\backslash
supercalifragilisticexpialidocious antidisestablishmentarianism
floccinaucinihilipilification pneumonoultramicroscopicsilicovolcanoconiosis
... .. . -- --- ----
a.b.c.d e/f/g/h
<start_of_text> and <end_of_text> inside
<START_OF_TEXT>x<End_Of_Text>
!<start_of_text>
<\u017ftart_of_text> fold
person on a bicycle in [unused0]
a    lot     of      spaces""".split("\n")

SPACES = ["", " ", "\n", "\t \r\n", " leading", "trailing ", "tab\tseparated\tvalues", "line one\nline two\r\nline three\rfour",
          "no\u00a0break\u2003em\u3000ideographic\u2009thin", "form\x0cfeed vertical\x0btab", "\u2028separator\u2029paragraph",
          "unit\x1fseparator\x1cfile", "next\x85line", "zero\u200bwidth\u200cnon\u200djoiner", "\ufeffbyte order mark"]

LANGUAGES = """café naïve résumé Zürich São Paulo Łódź Ærøskøbing
Ein süßes Mädchen aus Österreich; GROSSE STRASSE, ẞ
¿Dónde está la biblioteca? ¡Aquí!
Být či nebýt — to je otázka
Příliš žluťoučký kůň úpěl ďábelské ódy
İstanbul'da ılık bir gün, IĞDIR
Việt Nam: Tiếng Việt có dấu
Съешь же ещё этих мягких французских булок, да выпей чаю
ΟΔΥΣΣΕΥΣ και ΣΊΣΥΦΟΣ, λόγος, Σ
שלום עולם, מה שלומך?
مرحبا بالعالم، كيف حالك؟
یک گربه روی میز
नमस्ते दुनिया १२३
வணக்கம் உலகம்
สวัสดีชาวโลก
你好，世界！一只猫坐在垫子上。
吾輩は猫である。名前はまだ無い。
カタカナ ｶﾀｶﾅ ﾊﾟﾋﾟﾌﾟ ひらがな
안녕하세요 세계 한국어
ＦＵＬＬ　ＷＩＤＴＨ ｔｅｘｔ １２３！
გამარჯობა მსოფლიო ᲒᲐᲛᲐᲠᲯᲝᲑᲐ
Բարեւ աշխարհ
ሰላም ልዑል
ᚠᛇᚻ ᛒᛦᚦ ᚠᚱᚩᚠᚢᚱ
𝓕𝓪𝓷𝓬𝔂 𝔱𝔢𝔵𝔱 𝟙𝟚𝟛
ﬁne ﬂoor eﬀort aﬃne baﬄe ﬅop ﬆop Ĳsland ĳ ŉ Ǆ ǅ ǆ Ǉ Ǌ Ǳ
e\u0301 a\u0308 n\u0303 decomposed \u1100\u1161\u11a8
q\u0323\u0307 q\u0307\u0323 order of marks
Å Å Ω Ω K K
ſtraſze and 'ſ
x\u0345y and \u0345 alone""".split("\n")

SYMBOLS = """😀 😂 🤣 ❤️ 👍🏽 👩‍👩‍👧‍👦 🇩🇪 🏴󠁧󠁢󠁥󠁮󠁧󠁿
cat🐱dog🐶 and 5⃣ keycaps
“curly” ‘quotes’ don’t ‹single› «double» „low“ ‚low‘ ʼmodifier
en–dash em—dash minus−sign ellipsis… bullet• dagger†
½ ¼ ² ³ ¹ ⁴ ₅ Ⅷ ⅷ ① ❷ 〇 ٣ ௧
© ® ™ € £ ¥ ¢ § ¶ ° ± × ÷ µ
∀x∈ℝ: ⌈x⌉ = −⌊−x⌋, α ∧ ¬β = ¬(¬α ∨ β)
← ↑ → ↓ ↔ ■ □ ▲ ● ★ ☆ ♥ ♪
╔══╗ ║ box ╚══╝
¯\\_(ツ)_/¯ (╯°□°)╯︵ ┻━┻""".split("\n")

REFERENCES = """Tom &amp; Jerry
&lt;b&gt;bold&lt;/b&gt; <i>italic &amp; so</i>
&quot;quoted&quot; it&#39;s it&#x27;s it&apos;s
&amp;amp; &amp;amp;amp; &amp;lt;
caf&eacute; caf&eacute P&EACUTE;REZ &NTILDE; &nTILDE;
&copy 2020 &copyright &reg; &trade; &hellip; &mdash; &nbsp;x
this&not that &notit; &notin; &NotEqualTilde; &acE;
&#128; &#x80; &#150; &#0; &#1; &#11; &#13; &#xD800; &#x110000; &#99999999999;
&#59; &#x3b; &#; &#x; &; & ;&unknown; &a
&Jscr;ohn &HilbertSpace;ancock &CounterClockwiseContourIntegral;
R&D AT&T Q&A a&b&c; S&amp;P&nbsp;500
&Tab;tab&NewLine;new &ZeroWidthSpace;
line with <\nnext &amp; line
first &amp; line\nthen < and &eacute;\nlast &eacute;""".split("\n")
REFERENCES = [text.replace("\\n", "\n") for text in REFERENCES]
REFERENCES += ["&amp;amp;lt;", "&amp;#38;amp;", "&#38;#38;#38;", "&" + "amp;" * 7 + "lt;b", "&" + "amp;" * 30 + "lt;b", "&" + "#65286;" * 20 + "x",
               "&" + "amp;#x26;" * 15 + "eacute;", "&Atilde;&copy; caf&amp;eacute;", "&Atilde;&amp;copy;"]

CONTROLS = ["nul\x00byte", "bell\x07 back\x08space", "esc \x1b[31mred\x1b[0m and \x1b[ broken", "del\x7fete", "c1 \x80\x93\x94\x99 x",
            "\x81\x8d\x8f\x90\x9d", "\u206a\u206f deprecated", "\ufff9annot\ufffaation\ufffb \ufffc", "replacement \ufffd char",
            "soft\u00adhyphen", "\u202eright to left\u202c", "private \ue000 \U000f0000", "\U0001f600\U0010ffff", "\x1b[1;٣4mdigits"]


# Bytes of these, as Latin-1 or Windows-1252, are UTF-8, and yet they are right as they stand.
RIGHT = """a box of NESTLÉ® cereal
RENÉ™, NESCAFÉ® and a POKÉ™ bowl
a NESCAFÉ® jar
POKÉ™ bowl
CAFÉ–BAR
the sign says CAFÉ…
MENÜ…
a map of PERÚ®
BAMBÚ® sheets
AQUÍ…
BLÅ®
3×½
2×¼ inch
5×£10
10×µm
a CAFÉ “sign”
«É»
ÀÉÎ
20° and 3×½""".split("\n")


def mojibake():
    """Texts that were UTF-8 and were read as something else."""
    samples = ["café", "naïve", "it’s", "“quoted”", "süß", "Zürich", "– dash —", "Łódź", "привет", "日本語", "señor", "Ærø", "ÅNGSTRÖM",
               "€100", "x²", "fiancée’s", "…", "São Paulo", "Việt Nam", "emoji 😀 here", "l’été", "garçon", "Dvořák", "™ and ©"]
    out = []
    for sample in samples:
        for code in ("latin-1", "cp1252"):
            try:
                out.append("a photo of " + sample.encode().decode(code))
            except UnicodeDecodeError:
                pass
    return out


def made():
    """Plain captions from a small grammar, to have many."""
    subjects = ["a cat", "two dogs", "the old man", "Children", "a red-haired woman", "my brother's car", "NASA's rover"]
    verbs = ["sitting on", "running through", "painted by", "in front of", "next to"]
    places = ["a wooden bench", "tall grass", "the Eiffel Tower", "an unknown artist, c.1890", "5th Avenue (NYC)", "Lake Tahoe"]
    return [f"{s} {v} {p}" for s in subjects for v in verbs for p in places][::1]


def long_ones():
    words = ["".join("etaoinsh"[(i * i + i // 3) % 8] for i in range(n)) for n in (15, 16, 17, 18, 100, 400)]
    return words + ["aabaa" * 7, "猫é" * 9, "word " * 200, "x" * 5000, "a1" * 300, "猫" * 500, "!?" * 400, "ab " * 37 + "end", "ab " * 75, "ab " * 76]


def sentences():
    return PLAIN + SPACES + LANGUAGES + SYMBOLS + REFERENCES + CONTROLS + RIGHT + made() + long_ones()
