/// Reads what a reader could read in a text, independently of the library.
module CellOS.Export.S3.Core.Tests.Decoding

open System
open System.Globalization
open System.Net
open System.Text
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

/// What the octets of a dump say: lines of an offset, of octets, and of characters.
let private undumped (text: string) : string =
    Regex.Matches(text, @"[0-9a-f]{8}:? (?<octets>(?: ?[0-9a-f]{2}){1,16})(?![0-9a-f])")
    |> Seq.collect (fun line -> Convert.FromHexString(line.Groups["octets"].Value.Replace(" ", "")))
    |> Array.ofSeq
    |> Encoding.Latin1.GetString

let private withoutBlanks (text: string) =
    text |> String.filter (Char.IsWhiteSpace >> not)

/// The secrets that can be read in a text in whatever spelling, in any case, also with blanks in them.
let readable (secrets: string list) (text: string) : string list =
    let stages = stages text
    let stages = undumped text :: stages @ List.map withoutBlanks stages

    secrets
    |> List.filter (fun secret ->
        stages |> List.exists _.Contains(secret, StringComparison.OrdinalIgnoreCase))

/// The lines that `hexdump -C` makes of a text.
let dump (text: string) : string =
    Encoding.UTF8.GetBytes text
    |> Array.chunkBySize 16
    |> Array.mapi (fun i octets ->
        let hex = String.Join(' ', octets |> Array.map _.ToString("x2"))
        $"%08x{16 * i}  {hex}  |{Encoding.UTF8.GetString octets}|")
    |> String.concat "\n"
