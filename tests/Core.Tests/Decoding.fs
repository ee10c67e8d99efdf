/// Reads what a reader could read in a text, independently of the library.
module CellOS.Export.S3.Core.Tests.Decoding

open System
open System.Globalization
open System.Net
open System.Text.RegularExpressions

let private common =
    @"%[0-9A-Fa-f]{2}|%u[0-9A-Fa-f]{4}|\\u[0-9A-Fa-f]{4}|\\u\{[0-9A-Fa-f]{1,4}\}|\\x[0-9A-Fa-f]{2}|\\[0-3][0-7]{2}|\\[/\\""]|&#[0-9]{1,7};|&#[xX][0-9A-Fa-f]{1,6};|&(amp|lt|gt|quot|apos);"

let private escapes = Regex(common, RegexOptions.CultureInvariant)

/// With those of quoted-printable.
let private quoted =
    Regex($"=[0-9A-Fa-f]{{2}}|{common}", RegexOptions.CultureInvariant)

let private decodeOne (escape: string) =
    let hex (first: int) =
        string (char (Int32.Parse(escape.Substring(first).Trim('{', '}'), NumberStyles.HexNumber)))

    if escape.StartsWith "%u" || escape.StartsWith @"\u" || escape.StartsWith @"\x" then
        hex 2
    elif escape[0] = '%' || escape[0] = '=' then
        hex 1
    elif escape[0] = '\\' && Char.IsAsciiDigit escape[1] then
        string (char (Convert.ToInt32(escape.Substring 1, 8)))
    elif escape[0] = '\\' then
        escape.Substring 1
    else
        WebUtility.HtmlDecode escape |> Option.ofObj |> Option.defaultValue ""

let private stagesBy (escapes: Regex) (text: string) : string list =
    let rec decode times (text: string) =
        let next = escapes.Replace(text, MatchEvaluator(fun found -> decodeOne found.Value))

        text :: (if times = 0 || next = text then [] else decode (times - 1) next)

    decode 8 text

/// The text, and what it becomes each time that its escapes are removed, at most eight times.
let stages (text: string) : string list =
    stagesBy escapes text @ stagesBy quoted text

/// The secrets that can be read in a text in whatever spelling, in any case.
let readable (secrets: string list) (text: string) : string list =
    let stages = stages text

    secrets
    |> List.filter (fun secret ->
        stages |> List.exists _.Contains(secret, StringComparison.OrdinalIgnoreCase))
