namespace CellOS.Export.S3.Core

open System

/// Splits a compound secret, so that a server that echoes one part of it shows none.
///
/// Rules that this module keeps:
/// - `a=b;c=SECRET`, `id/date/region`, `user:password`, a URL within a URL, a token with dots: each part of
///   `Secrets.Shortest` characters or more is a secret of its own;
/// - the names in such a value, dates, regions and the fixed words of signatures are not secrets;
/// - a plain word or a host is a secret only where a value belongs, behind `=`, `:`, `?` or `#`.
[<RequireQualifiedAccess>]
module internal SecretParts =

    /// Words of signatures, in lower case. Servers say them for reasons of their own.
    let private fixedWords = [|
        "aws4_request"
        "goog4_request"
        "aliyun_v4_request"
        "aws4-hmac-sha256"
        "aws4-ecdsa-p256-sha256"
        "goog4-rsa-sha256"
        "goog4-hmac-sha256"
        "oss4-hmac-sha256"
        "unsigned-payload"
        "storage"
        "attachment"
        "inline"
        "filename"
        "bearer"
        "public-read"
        "private"
        "standard"
    |]

    /// What the names of regions begin with.
    let private continents = [| "af"; "ap"; "ca"; "cn"; "eu"; "il"; "me"; "mx"; "na"; "sa"; "us" |]

    let private isPart (isJwt: bool) (c: char) =
        Char.IsAsciiLetterOrDigit c
        || c = '-'
        || c = '_'
        || c = '.' && not isJwt
        || c > '\u007f'

    let private isLower (text: string) =
        String.forall Char.IsAsciiLetterLower text

    let private isDigits (text: string) = String.forall Char.IsAsciiDigit text

    /// `us-gov-west-1`, `cn-hangzhou`.
    let private isRegion (part: string) =
        match List.ofArray (part.Split '-') with
        | continent :: rest when not rest.IsEmpty && Array.contains continent continents ->
            rest
            |> List.forall (fun word -> word <> "" && (isLower word || word.Length <= 2 && isDigits word))
        | _ -> false

    /// A date, a time, or a number of seconds or milliseconds.
    let private isTime (part: string) =
        let hasDay =
            part.StartsWith("19", StringComparison.Ordinal)
            || part.StartsWith("20", StringComparison.Ordinal)

        if isDigits part then
            part.Length = 8 && hasDay || part.Length = 10 || part.Length = 13
        else
            part.Length <= 32
            && hasDay
            && part.AsSpan().IndexOfAnyExcept("0123456789TZ.-") < 0

    let private isFixed (part: string) =
        Array.contains (part.ToLowerInvariant()) fixedWords
        || isRegion part
        || isTime part

    /// Letters in one case, or with a capital first. A longer run of letters is no word.
    let private isWord (text: string) =
        text.Length <= 15
        && (isLower text
            || String.forall Char.IsAsciiLetterUpper text
            || Char.IsAsciiLetterUpper text[0] && isLower (text.Substring 1))

    /// Words, numbers of two digits, and names of hosts and files, which end with a word behind a dot.
    let private isPlain (part: string) =
        let isDotted =
            part.Contains '.' && isLower (part.Substring(part.LastIndexOf '.' + 1))

        isDotted
        || isDigits part && part.Length <= 14
        || part.Split([| '-'; '_' |], StringSplitOptions.RemoveEmptyEntries)
           |> Array.forall (fun word -> isWord word || word.Length <= 2 && isDigits word)

    /// False for what looks random: 16 characters or more with a digit, or with a capital in every four.
    let private mayBeName (part: string) =
        let count (isSuch: char -> bool) = part |> Seq.filter isSuch |> Seq.length

        part.Length < 16
        || count Char.IsAsciiDigit = 0
           && (count Char.IsAsciiLetterLower = 0
               || count Char.IsAsciiLetterUpper * 4 <= part.Length)

    /// The parts of a value without escapes that are secrets of their own.
    let ofValue (value: string) : string list = [
        let isJwt = value.Contains("eyJ", StringComparison.Ordinal)
        // Names of resources have colons that separate no names from values.
        let isResource =
            value.StartsWith("arn:", StringComparison.Ordinal)
            || value.StartsWith("urn:", StringComparison.Ordinal)

        let mutable first = 0

        while first < value.Length do
            let mutable stop = first

            while stop < value.Length && isPart isJwt value[stop] do
                stop <- stop + 1

            if stop - first >= Secrets.Shortest && stop - first < value.Length then
                let part = value.Substring(first, stop - first)
                let before = if first = 0 then ' ' else value[first - 1]
                let next = if stop < value.Length then value[stop] else ' '
                let isValue = "=?#".Contains before || before = ':' && not isResource
                // Padding is no sign of a name.
                let isName =
                    next = '='
                    && stop + 1 < value.Length
                    && isPart isJwt value[stop + 1]
                    && mayBeName part

                if not isName && not (isFixed part) && (isValue || not (isPlain part)) then
                    part

            first <- stop + 1
    ]

    /// User name and password in credentials of the scheme `Basic` (RFC 7617, 2).
    let private basicPair (value: string) : string option =
        if value.StartsWith("Basic ", StringComparison.OrdinalIgnoreCase) then
            let octets = Array.zeroCreate<byte> value.Length

            match Convert.TryFromBase64String(value.Substring(6).Trim(), octets) with
            | true, count -> Some(Text.Encoding.UTF8.GetString(octets, 0, count))
            | _ -> None
        else
            None

    /// The value as it is written and its parts.
    let withParts (value: string) : string list =
        let pair =
            match basicPair value with
            | Some pair -> pair :: ofValue pair
            | None -> []

        value :: ofValue (Unescape.text value) @ pair
