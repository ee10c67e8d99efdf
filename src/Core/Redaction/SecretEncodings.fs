namespace CellOS.Export.S3.Core

open System
open System.Globalization
open System.Text
open System.Text.RegularExpressions

/// Finds secrets that a program encoded.
///
/// Rules that this module keeps:
/// - a run of Base64 is masked if it contains a secret, wherever in the encoded text the secret begins, or the octets of
///   one that is written in hexadecimal digits; what stands before a '/' of the run, such as a host and folders, is not;
/// - lines of Base64 are one run, since many programs fold it;
/// - so is a run of hexadecimal digits, a list of octets in hexadecimal or decimal digits, and a dump of octets whose lines
///   have offsets and the characters beside them.
[<RequireQualifiedAccess>]
module internal SecretEncodings =

    /// The fewest characters of a secret that is looked for in decoded octets.
    [<Literal>]
    let private ShortestNeedle = 6

    /// Lists of octets: `33 66 38`, `0x33,0x66`, `51,102,56`, `&#51&#102`, `U+0033 U+0066`.
    let private lists =
        lazy
            (Regex(
                @"(?:&#x?[0-9A-Fa-f]{1,4};?){6,}|(?:U\+00[0-9A-Fa-f]{2}[ ,;]{0,2}){6,}|(?:(?:0x)?[0-9A-Fa-f]{1,3}[ ,;:\\x]{1,3}){7,}(?:0x)?[0-9A-Fa-f]{1,3}",
                RegexOptions.CultureInvariant
            ))

    let private base64 =
        lazy (Regex(@"[A-Za-z0-9+/_-]{8,}", RegexOptions.CultureInvariant))

    /// Octets in hexadecimal digits, whatever is beside them: a folder, a sign, a letter.
    let private hex = lazy (Regex(@"[0-9A-Fa-f]{12,}", RegexOptions.CultureInvariant))

    /// Base64 that was folded into lines, whatever stands for the line breaks: at 76 or 64 characters mostly.
    let private folded =
        lazy
            (Regex(
                @"(?<![A-Za-z0-9+/_-])(?:(?>[A-Za-z0-9+/_-]{16,})(?:\\[rn]|<w?br ?/?>|\s){1,8})+(?>[A-Za-z0-9+/_-]+)",
                RegexOptions.CultureInvariant
            ))

    /// A line of a dump of octets, as `hexdump -C`, `xxd` and `od` write it.
    let private dumped =
        lazy
            (Regex(
                @"(?<![0-9A-Za-z])[0-9A-Fa-f]{4,8}:?[ \t]{1,3}(?<octets>(?:[0-9A-Fa-f]{2}){1,2}(?:[ \t]{1,3}(?:[0-9A-Fa-f]{2}){1,2}){0,15})(?![0-9A-Za-z])(?:[ \t]{1,64}\|[^\r\n]{1,16}\||[ \t]{1,64}[^\r\n]{1,16}(?=\s|\z))?",
                RegexOptions.CultureInvariant
            ))

    /// The hexadecimal digits in a line of a dump. What looks like more of them are its characters.
    [<Literal>]
    let private MostDumped = 32

    let private lineBreaks =
        lazy (Regex(@"\\[rn]|<w?br ?/?>|\s", RegexOptions.CultureInvariant))

    /// As a secret is looked for; UTF-16 text loses its zeros.
    let private fold (octets: byte[]) : string =
        let octets =
            if Array.contains 0uy octets then
                octets |> Array.filter (fun octet -> octet <> 0uy)
            else
                octets

        (SecretView.foldSeen (Unescape.raw (Encoding.Latin1.GetString octets))).Text

    let private holds (needles: string[]) (text: string) =
        needles
        |> Array.exists (fun needle ->
            needle.Length >= ShortestNeedle
            && text.Contains(needle, StringComparison.Ordinal))

    let private base64At (run: string) (first: int) : byte[] option =
        let text = run.Substring(first, (run.Length - first) / 4 * 4)

        try
            Some(Convert.FromBase64String(text.Replace('-', '+').Replace('_', '/')))
        with :? FormatException ->
            None

    let private isInBase64 (needles: string[]) (run: string) =
        // The last characters may be fewer than four: zero bits complete them.
        let run = run + "AAA"

        seq { 0..3 }
        |> Seq.choose (base64At run)
        |> Seq.exists (fun octets ->
            holds needles (fold octets)
            || holds needles ((Convert.ToHexString octets).ToLowerInvariant()))

    let private isInHex (needles: string[]) (run: string) =
        seq { 0..1 }
        |> Seq.exists (fun first ->
            let digits = run.Substring(first, (run.Length - first) / 2 * 2)
            holds needles (fold (Convert.FromHexString digits)))

    let private octetsOf (style: NumberStyles) (words: string[]) : byte[] option =
        let octets =
            words
            |> Array.choose (fun word ->
                match Byte.TryParse(word, style, CultureInfo.InvariantCulture) with
                | true, octet -> Some octet
                | _ -> None)

        if octets.Length = words.Length then Some octets else None

    let private isInOctets (needles: string[]) (run: string) =
        let words =
            ([ "&#x"; "&#"; "U+00"; "0x"; "\\x" ]
             |> List.fold (fun (run: string) (sign: string) -> run.Replace(sign, " ")) run)
                .Split([| ' '; ','; ';'; ':' |], StringSplitOptions.RemoveEmptyEntries)

        [ NumberStyles.AllowHexSpecifier; NumberStyles.None ]
        |> List.choose (fun style -> octetsOf style words)
        |> List.exists (fold >> holds needles)

    /// In a longer run what stands before the Base64 is masked, too.
    [<Literal>]
    let private LongestUrl = 1000

    /// Where the Base64 begins in a run that contains a secret: after the last '/' behind which there still is one.
    let private beginningOf (needles: string[]) (run: string) : int =
        let rec last (first: int) =
            match run.IndexOf('/', first) with
            | at when
                at >= 0
                && run.Length <= LongestUrl
                && isInBase64 needles (run.Substring(at + 1))
                ->
                last (at + 1)
            | _ -> first

        last 0

    /// Adds the range of the lines of a dump that contains a secret.
    let private addDump (ranges: ResizeArray<struct (int * int)>) (text: string) (needles: string[]) =
        let lines = List.ofSeq (dumped.Value.Matches text)

        let digits =
            lines
            |> List.map (fun line ->
                let digits = line.Groups["octets"].Value |> String.filter Char.IsAsciiHexDigit
                digits.Substring(0, min MostDumped digits.Length))
            |> String.concat ""

        if lines.Length > 1 && holds needles (fold (Convert.FromHexString digits)) then
            let last = List.last lines
            ranges.Add struct (lines.Head.Index, last.Index + last.Length)

    /// Adds the ranges of the runs that contain one of the secrets.
    let addRanges (ranges: ResizeArray<struct (int * int)>) (text: string) (needles: string[]) : unit =
        addDump ranges text needles

        for found in folded.Value.Matches text do
            if isInBase64 needles (lineBreaks.Value.Replace(found.Value, "")) then
                ranges.Add struct (found.Index, found.Index + found.Length)

        for found in hex.Value.Matches text do
            if isInHex needles found.Value then
                ranges.Add struct (found.Index, found.Index + found.Length)

        for found in lists.Value.Matches text do
            if isInOctets needles found.Value then
                ranges.Add struct (found.Index, found.Index + found.Length)

        for found in base64.Value.Matches text do
            if isInBase64 needles found.Value then
                ranges.Add struct (found.Index + beginningOf needles found.Value, found.Index + found.Length)
