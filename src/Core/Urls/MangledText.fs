namespace CellOS.Export.S3.Core

open System
open System.Text

/// What altered a URL between the program that made it and the variable or file that holds it, and how to undo it.
type internal Mangling = {
    /// A part of a sentence whose subject is the URL.
    Problem: string
    /// A sentence.
    Remedy: string
}

/// Recognizes the traces that shells, editors, word processors, e-mail and escapes of other formats leave in a URL.
///
/// Rules that this module keeps:
/// - it reports what no URL may contain; a text that it passes may still be no URL;
/// - a message names the trace and its position, and contains no other part of the text.
[<RequireQualifiedAccess>]
module internal MangledText =

    let private mangling problem remedy =
        Some { Problem = problem; Remedy = remedy }

    let private opening = "\"'`<([‘’‚‛“”„‟«‹「『〈《＂＇＜′″"

    let private closing = "\"'`>)]‘’‚‛“”„‟»›」』〉》＂＇＞′″"

    /// The name of a character that encloses a text.
    let private enclosure (c: char) =
        match c with
        | '<'
        | '>'
        | '‹'
        | '›'
        | '«'
        | '»'
        | '〈'
        | '〉'
        | '《'
        | '》'
        | '＜'
        | '＞' -> "angle brackets"
        | '('
        | ')'
        | '['
        | ']' -> "brackets"
        | '`' -> "backquotes"
        | '"'
        | '\'' -> "quotation marks"
        | _ -> "typographic quotation marks"

    let private code (rune: Rune) = $"U+%04X{rune.Value}"

    /// The name of a character that an editor does not show, or shows as a blank.
    let private invisible (rune: Rune) =
        match rune.Value with
        | 0x00A0 -> Some "no-break space"
        | 0x00AD -> Some "soft hyphen"
        | 0x034F -> Some "combining grapheme joiner"
        | 0x180E -> Some "Mongolian vowel separator"
        | 0x200B -> Some "zero-width space"
        | 0x200C -> Some "zero-width non-joiner"
        | 0x200D -> Some "zero-width joiner"
        | 0x200E -> Some "left-to-right mark"
        | 0x200F -> Some "right-to-left mark"
        | 0x2028 -> Some "line separator"
        | 0x2029 -> Some "paragraph separator"
        | 0x202F -> Some "narrow no-break space"
        | 0x2060 -> Some "word joiner"
        | 0x3000 -> Some "ideographic space"
        | 0xFEFF -> Some "byte order mark"
        | value when value >= 0x2000 && value <= 0x200A -> Some "typographic space"
        | value when value >= 0xFE00 && value <= 0xFE0F -> Some "variation selector"
        | _ when Check.isHidden rune && rune.Value > 0x7f -> Some "invisible character"
        | _ when Rune.IsWhiteSpace rune && rune.Value > 0x7f -> Some "typographic space"
        | _ -> None

    let private isDash (rune: Rune) =
        rune.Value >= 0x2010 && rune.Value <= 0x2015
        || rune.Value = 0x2212
        || rune.Value = 0xFE58
        || rune.Value = 0xFE63
        || rune.Value = 0xFF0D

    /// A character outside ASCII that no presigner writes and no key needs.
    let private outsideAscii (rune: Rune) (position: int) =
        match invisible rune with
        | Some "byte order mark" when position = 1 ->
            mangling
                $"begins with a byte order mark ({code rune})"
                "Delete this invisible character before the URL, or save the file as UTF-8 without a byte order mark."
        | Some name ->
            mangling
                $"contains an invisible character, {name} ({code rune}), at position {position}"
                "Copy the URL again from the program that made it, or type the characters around this position anew."
        | None when rune.IsBmp && (closing + opening).Contains(char rune.Value) ->
            mangling
                $"contains {enclosure (char rune.Value)} ({code rune}) at position {position}"
                "Delete them: they are not part of the URL."
        | None when isDash rune ->
            mangling
                $"contains a typographic dash ({code rune}) at position {position}"
                "Write '-' there: a word processor replaced it."
        | None when rune.Value = 0x2026 || rune.Value = 0x22EF ->
            mangling
                $"contains an ellipsis ({code rune}) at position {position}"
                "Copy the whole URL: a program showed it shortened."
        | None when rune.Value = 0xFFFD ->
            mangling
                $"contains the replacement character ({code rune}) at position {position}"
                "Save the text as UTF-8 and copy the URL again: it was read in another encoding."
        | None when rune.Value >= 0xFF01 && rune.Value <= 0xFF5E ->
            mangling
                $"contains a full-width character ({code rune}) at position {position}"
                "Type it again with the input method switched off."
        | None -> None

    let private isAt (value: string) (at: int) (text: string) =
        String.CompareOrdinal(value, at, text, 0, text.Length) = 0

    let private isHexAt (value: string) (at: int) (count: int) =
        at + count <= value.Length
        && value.AsSpan(at, count).IndexOfAnyExcept "0123456789abcdefABCDEF" < 0

    /// An escape of JSON, or of a shell.
    let private backslash (value: string) (at: int) =
        let json (shown: string) =
            mangling
                $"contains '{shown}' at position {at + 1}, an escape of JSON"
                "Decode the JSON and give the text in it (jq -r)."

        if isAt value at "\\u" && isHexAt value (at + 2) 4 then
            json (value.Substring(at, 6))
        elif isAt value at "\\/" then
            json "\\/"
        elif at = value.Length - 1 then
            mangling
                "ends with a backslash, which continues a line in a shell"
                "Write the whole URL on one line, without the backslash."
        elif "&=?%;\"'".Contains value[at + 1] then
            mangling
                $"contains a backslash before '{value[at + 1]}' at position {at + 1}, as a shell without quotes needs it"
                "Delete the backslashes: within quotes, they are part of the value."
        // Elsewhere it may precede a user name.
        elif at + 2 = value.Length && "nrt".Contains value[at + 1] then
            mangling
                $"ends with '\\{value[at + 1]}', an escape for a line break or a tab"
                "Delete it: the URL is one line."
        else
            None

    let private entities = [|
        "&amp;"
        "&#38;"
        "&#x26;"
        "&#038;"
        "&quot;"
        "&lt;"
        "&gt;"
        "&#x3d;"
        "&#61;"
        "&equals;"
        "&#123;"
        "&#x7b;"
        "&lbrace;"
        "&lcub;"
        "&#125;"
        "&#x7d;"
        "&rbrace;"
        "&rcub;"
    |]

    /// An entity of HTML or XML.
    let private entity (value: string) (at: int) =
        entities
        |> Array.tryFind (fun entity ->
            String.Compare(value, at, entity, 0, entity.Length, StringComparison.OrdinalIgnoreCase) = 0)
        |> Option.bind (fun entity ->
            let meant =
                match entity with
                | "&quot;" -> "\""
                | "&lt;" -> "<"
                | "&gt;" -> ">"
                | "&#x3d;"
                | "&#61;"
                | "&equals;" -> "="
                | "&#123;"
                | "&#x7b;"
                | "&lbrace;"
                | "&lcub;" -> "{"
                | "&#125;"
                | "&#x7d;"
                | "&rbrace;"
                | "&rcub;" -> "}"
                | _ -> "&"

            mangling
                $"contains '{entity}' at position {at + 1}, which HTML and XML write for '{meant}'"
                (if "&={}".Contains meant then
                     $"Replace each '{entity}' with '{meant}'."
                 else
                     $"Delete each '{entity}': it is not part of the URL."))

    let private ascii (value: string) (at: int) =
        match value[at] with
        | '\000' ->
            mangling
                $"contains the control character U+0000 at position {at + 1}"
                "Save the text as UTF-8: UTF-16 contains such characters between the letters."
        | '\r'
        | '\n' ->
            mangling
                $"contains a line break (the control character U+%04X{int value[at]}) at position {at + 1}"
                "Write the URL on one line: a terminal or an e-mail broke it."
        | '\\' -> backslash value at
        | '&' -> entity value at
        | '^' when at + 1 < value.Length && "&%=?^".Contains value[at + 1] ->
            mangling
                $"contains '^' before '{value[at + 1]}' at position {at + 1}, as the Windows command line needs it"
                "Delete each '^'."
        | '`' when at + 1 < value.Length && "&=?$%".Contains value[at + 1] ->
            mangling
                $"contains a backquote before '{value[at + 1]}' at position {at + 1}, as PowerShell needs it"
                "Delete the backquotes: within single quotes, they are part of the value."
        | '%' when isAt value at "%%" && isHexAt value (at + 2) 2 ->
            mangling
                $"contains '%%%%' at position {at + 1}, as a batch file writes '%%'"
                "Replace each '%%' with '%'."
        | '"' ->
            mangling
                $"contains a quotation mark at position {at + 1}"
                "Delete the quotation marks: they are not part of the URL."
        | '<'
        | '>' ->
            mangling
                $"contains an angle bracket at position {at + 1}"
                "Delete the angle brackets: they are not part of the URL."
        | '`' -> mangling $"contains a backquote at position {at + 1}" "Delete it: it is not part of the URL."
        | _ -> None

    /// True if a text begins with what only a quotation begins with.
    let private isEnclosed (value: string) =
        value.Length > 1
        && opening.Contains value[0]
        // An IPv6 address of a proxy without a scheme.
        && not (value[0] = '[' && value.Contains ':' && isHexAt value 1 1)
        && not (value[0] = '[' && isAt value 1 "::")

    let private enclosed (value: string) =
        let name = enclosure value[0]

        let where =
            if closing.Contains value[value.Length - 1] then
                $"has {name} around it"
            else
                $"begins with one of a pair of {name}"

        let codes = if value[0] > '\127' then $" (U+%04X{int value[0]})" else ""

        mangling
            (where + codes)
            $"Delete the {name}: they are part of the value here, since no shell removes them from it."

    let private search (inAscii: string -> int -> Mangling option) (value: string) =
        let rec from i =
            if i = value.Length then
                None
            else
                let found =
                    if value[i] <= '\127' then
                        inAscii value i
                    else
                        match Rune.TryGetRuneAt(value, i) with
                        | true, rune -> outsideAscii rune (i + 1)
                        | _ -> None

                match found with
                | None -> from (i + 1)
                | found -> found

        if value = "" then None
        elif isEnclosed value then enclosed value
        else from 0

    /// What altered the text of a URL, if it is one of the known ways. `value` has no ASCII blanks around it.
    let find (value: string) : Mangling option = search ascii value

    /// The same for the URL of a proxy, whose user name and password may contain more characters.
    let findInProxy (value: string) : Mangling option =
        let inAscii (value: string) at =
            match value[at] with
            | '\r'
            | '\n'
            | '\000'
            | '&'
            | '\\' -> ascii value at
            | '"'
            | '>'
            | '`' when at = value.Length - 1 -> ascii value at
            | ','
            | ';'
            | ')'
            | '\'' when at = value.Length - 1 ->
                mangling
                    $"ends with '{value[at]}', which is not a part of it"
                    "Delete it. A variable names one proxy."
            | _ -> None

        search inAscii value

    /// What altered the beginning of a text that does not begin with `http://` or `https://`.
    let beginning (value: string) : Mangling option =
        let starts (text: string) =
            value.StartsWith(text, StringComparison.OrdinalIgnoreCase)

        let later =
            max
                (value.IndexOf("https://", StringComparison.OrdinalIgnoreCase))
                (value.IndexOf("http://", StringComparison.OrdinalIgnoreCase))

        if starts "http%3A" || starts "https%3A" then
            mangling
                "is percent-encoded as a whole"
                "Decode it once, and give the URL that the presigner made."
        elif starts "s3://" then
            mangling
                "is an address that begins with s3://, which no request can be sent to"
                "Give the presigned URL of the object."
        elif starts "hxxp" then
            mangling
                "begins with 'hxxp': a program made the link harmless"
                "Write http:// or https:// at its beginning."
        elif starts "https:/" || starts "http:/" || starts "https//" || starts "http//" then
            mangling "lacks ':' or '/' between its scheme and its host" "Write https:// at its beginning."
        elif later > 0 then
            mangling
                "has other text before its http:// or https://"
                "Delete what precedes the URL: a name, a label or a command."
        else
            None

    /// True if a text of which every character is allowed in a URL may contain an entity, or quotation marks around it.
    let mayBe (value: string) : bool =
        value <> ""
        && (value[0] = '\'' || value[0] = '(' || value[0] = '[' || value.Contains ';')
