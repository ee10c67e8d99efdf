/// Reads what a reader could read in a text, independently of the library.
module CellOS.Export.S3.Core.Tests.Decoding

open System
open System.Globalization
open System.Net
open System.Text.RegularExpressions

let private escapes =
    Regex(
        @"%[0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4}|\\[/\\""]|&#[0-9]{1,7};|&#[xX][0-9A-Fa-f]{1,6};|&(amp|lt|gt|quot|apos);",
        RegexOptions.CultureInvariant
    )

let private decodeOne (escape: string) =
    if escape[0] = '%' then
        string (char (Int32.Parse(escape.AsSpan 1, NumberStyles.HexNumber)))
    elif escape.StartsWith @"\u" then
        string (char (Int32.Parse(escape.AsSpan 2, NumberStyles.HexNumber)))
    elif escape[0] = '\\' then
        escape.Substring 1
    else
        WebUtility.HtmlDecode escape |> Option.ofObj |> Option.defaultValue ""

/// The text, and what it becomes each time that its escapes are removed, at most eight times.
let stages (text: string) : string list =
    let rec decode times (text: string) =
        let next = escapes.Replace(text, MatchEvaluator(fun found -> decodeOne found.Value))

        text :: (if times = 0 || next = text then [] else decode (times - 1) next)

    decode 8 text

/// The secrets that can be read in a text in whatever spelling, in any case.
let readable (secrets: string list) (text: string) : string list =
    let stages = stages text

    secrets
    |> List.filter (fun secret ->
        stages |> List.exists _.Contains(secret, StringComparison.OrdinalIgnoreCase))
