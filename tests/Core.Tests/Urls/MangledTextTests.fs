/// Characters and escapes that shells, editors and other formats leave in a URL: named as what they are.
module CellOS.Export.S3.Core.Tests.MangledTextTests

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open CellOS.Export.S3.Core
open CellOS.Export.S3.Core.Tests.Config
open CellOS.Export.S3.Core.Tests.SpecGenerators

let private good =
    "https://evidence.s3.us-west-2.amazonaws.com/cell/a.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIA&X-Amz-Signature=5ecretsignature"

let private pasted (text: string) =
    good.Replace("cell/a", "cell" + text + "/a")

/// Text, and what the message contains.
let private rows = [
    // Escapes of other formats.
    good.Replace("&", "&amp;"), "'&amp;' at position 88, which HTML and XML write for '&'"
    good.Replace("&", "&AMP;"), "which HTML and XML write for '&'"
    good.Replace("&", "&#38;"), "'&#38;'"
    good.Replace("&", "&#x26;"), "'&#x26;'"
    good.Replace("&", "\\u0026"), "'\\u0026' at position 88, an escape of JSON"
    good.Replace("=", "\\u003d"), "'\\u003d'"
    good.Replace("/", "\\/"), "'\\/' at position 7"
    good.Replace("&", "\\&"), "a backslash before '&'"
    good.Replace("?", "\\?"), "a backslash before '?'"
    good.Replace("&", "^&"), "as the Windows command line needs it"
    good.Replace("&", "`&"), "as PowerShell needs it"
    good.Replace("cell/", "cell%%20/"), "as a batch file writes"
    good + "\\", "ends with a backslash"
    good + "\\n", "an escape for a line break"
    good.Replace("&", "\n&"), "contains a line break"
    good.Replace("&", "\r\n&"), "contains a line break"
    // Around it.
    "\"" + good + "\"", "has quotation marks around it"
    "'" + good + "'", "has quotation marks around it"
    "“" + good + "”", "has typographic quotation marks around it (U+201C)"
    "„" + good + "“", "has typographic quotation marks around it (U+201E)"
    "‘" + good + "’", "has typographic quotation marks around it (U+2018)"
    "«" + good + "»", "has angle brackets around it (U+00AB)"
    "<" + good + ">", "has angle brackets around it"
    "‹" + good + "›", "has angle brackets around it (U+2039)"
    "(" + good + ")", "has brackets around it"
    "[" + good + "]", "has brackets around it"
    "`" + good + "`", "has backquotes around it"
    "\"" + good, "begins with one of a pair of quotation marks"
    "“" + good, "begins with one of a pair of typographic quotation marks"
    good + "\"", "contains a quotation mark"
    good + "”", "contains typographic quotation marks (U+201D)"
    good + ">", "contains an angle bracket"
    good + "›", "contains angle brackets (U+203A)"
    // Invisible.
    "\ufeff" + good, "begins with a byte order mark (U+FEFF)"
    pasted "\ufeff", "byte order mark (U+FEFF), at position 49"
    for code, name in
        [
            0x200B, "zero-width space"
            0x200C, "zero-width non-joiner"
            0x200D, "zero-width joiner"
            0x200E, "left-to-right mark"
            0x200F, "right-to-left mark"
            0x2060, "word joiner"
            0x00AD, "soft hyphen"
            0x00A0, "no-break space"
            0x202F, "narrow no-break space"
            0x2009, "typographic space"
            0x3000, "ideographic space"
            0x2028, "line separator"
            0x202E, "invisible character"
            0x2066, "invisible character"
            0xE0041, "invisible character"
        ] do
        pasted (Char.ConvertFromUtf32 code),
        $"contains an invisible character, {name} (U+%04X{code}), at position 49"

        if not (Char.IsWhiteSpace(Char.ConvertFromUtf32 code, 0)) then
            Char.ConvertFromUtf32 code + good, name
            good + Char.ConvertFromUtf32 code, name
    // What a word processor or a list does.
    good.Replace("AWS4-", "AWS4–"), "a typographic dash (U+2013)"
    good.Replace("X-Amz-Sig", "X‑Amz‑Sig"), "a typographic dash (U+2011)"
    good.Substring(0, 100) + "…", "an ellipsis (U+2026)"
    pasted "\ufffd", "the replacement character (U+FFFD)"
    good.Replace("&", "＆"), "a full-width character (U+FF06)"
    // Its beginning.
    "hxxps" + good.Substring 5, "made the link harmless"
    Uri.EscapeDataString good, "percent-encoded as a whole"
    "URL=" + good, "other text before its http:// or https://"
    "s3://evidence/cell/a.txt", "begins with s3://"
    good.Replace("https://", "https:/"), "between its scheme and its host"
    good.Replace("https://", "https//"), "between its scheme and its host"
]

let private message (text: string) =
    match UrlTemplate.parse text with
    | Ok _ -> "accepted"
    | Error refusal -> refusal.Message

let private shown (part: string) (message: string) =
    if
        message.Contains part
        && not (message.Contains "percent-encoded,")
        && not (message.Contains "must come percent")
    then
        part
    else
        message

/// The placeholder is longer than the name.
let private withoutPosition (text: string) =
    Text.RegularExpressions.Regex.Replace(text, " at position [0-9]+", "")

/// As JSON writes it.
let private json (text: string) = Text.Json.JsonSerializer.Serialize text

[<Tests>]
let tests =
    testList "Mangled URLs" [
        table $"{rows.Length} of them in a variable" rows (fun (text, part) -> shown part (message text)) snd

        table
            "the same as a template"
            rows
            (fun (text, part) ->
                let message = message (text.Replace("a.txt", "{artifact_name}"))
                shown (withoutPosition part) (withoutPosition message))
            (snd >> withoutPosition)

        table
            "the same in a manifest, with the name of the artifact"
            rows
            (fun (text, part) ->
                match UrlManifest.parse $"{{\"a.txt\": {json text}}}" with
                | Ok _ -> "accepted"
                | Error problems ->
                    let all = String.concat "\n" problems
                    if all.Contains "entry 1 ('a.txt')" then shown part all else all)
            snd

        table
            "no message contains a part of the query"
            rows
            (fun (text, _) -> (message text).Contains "5ecret" || (message text).Contains "AKIA")
            (fun _ -> false)

        testCase "the variable of a target is named" (fun () ->
            let resolution =
                resolve [ s3 "a" ] [] [ suffixed Variable.PresignedUrl "a", good.Replace("&", "&amp;") ]

            match Settings.refusals resolution with
            | [ problem ] ->
                Expect.stringStarts
                    problem.Message
                    "target 'a': CELLOS_EXPORT_S3_PRESIGNED_URL__A: The upload URL contains '&amp;'"
                    "where"

                Expect.stringContains problem.Message "Replace each '&amp;' with '&'." "what to do"
            | other -> failtestf "%A" other)

        table
            "a byte order mark at the head of a manifest's file is not part of it"
            [ "\ufeff"; "\ufeff\ufeff" ]
            (fun mark ->
                match UrlManifest.parse (mark + $"{{\"a.txt\": {json good}}}") with
                | Ok manifest -> UrlManifest.count manifest
                | Error _ -> 0)
            (fun _ -> 1)

        table
            "what a URL may contain is not a trace of a program"
            [
                "https://h/a'b'"
                "https://h/a;b=c,d"
                "https://h/(a)!*'$"
                "https://h/a?b=c;d"
                "https://h/a?b=c&ampd=e"
                "https://[::1]:9000/a"
                "https://h/%25252F"
            ]
            (fun text -> message text)
            (fun _ -> "accepted")

        table
            "other characters must come percent-encoded, as ever"
            [ "https://h/é"; "https://h/日本"; "https://h/🎉" ]
            (fun text -> (message text).Contains "it must come percent-encoded")
            (fun _ -> true)

        propertyTimes
            300
            "an invisible character anywhere is named by its number"
            (gen {
                let! code =
                    Gen.elements [
                        0x200B
                        0x200C
                        0x200D
                        0x200E
                        0x200F
                        0x2060
                        0xFEFF
                        0x00AD
                        0x2063
                        0x061C
                    ]

                let! at = Gen.choose (0, good.Length)
                return code, at
            })
            (fun (code, at) ->
                let text = good.Insert(at, Char.ConvertFromUtf32 code)
                Expect.stringContains (message text) $"U+%04X{code}" text
                Expect.isFalse ((message text).Contains "percent-encoded") "another remedy")
    ]
