namespace CellOS.Export.S3.Core

open System
open System.Buffers
open System.Text.RegularExpressions

/// Recognizes credentials by their form, whatever their name.
///
/// Rules that this module keeps:
/// - private keys in PEM, JSON Web Tokens, access key ids and session tokens of AWS, and tokens that begin with the sign of
///   their issuer are credentials in any text;
/// - 40 hexadecimal digits or more, long Base64, and random letters and digits are credentials where they stand alone in the
///   words of a program that handles credentials. In other texts they are digests, identifiers and names;
/// - the line after one that ends within the query of a URL continues it.
[<RequireQualifiedAccess>]
module internal CredentialForms =

    /// What the known forms begin with.
    let private beginnings =
        SearchValues.Create(
            ReadOnlySpan [|
                "PRIVATE KEY"
                "eyJ"
                "AKIA"
                "ASIA"
                "IQoJ"
                "FwoG"
                "FQoG"
                "AQoD"
                "ghp_"
                "gho_"
                "ghu_"
                "ghs_"
                "ghr_"
                "github_pat_"
                "glpat-"
                "gldt-"
                "glrt-"
                "hvs."
                "hvb."
                "hvr."
                "xox"
                "sk_live_"
                "npm_"
                "pypi-"
                "AIza"
                "ya29."
                "gAAAAA"
                "dop_v1_"
                "dckr_pat_"
                "AGE-SECRET-KEY-"
            |],
            StringComparison.Ordinal
        )

    let private known =
        lazy
            (Regex(
                String.Join(
                    '|',
                    [
                        // To the end of the text if the end of the key is missing.
                        @"-----BEGIN [A-Z0-9 ]{0,32}PRIVATE KEY[A-Z ]{0,16}-----.*?(?:-----END [A-Z0-9 ]{0,48}-----|\z)"
                        @"(?<![A-Za-z0-9])(?:"
                        + String.Join(
                            '|',
                            [
                                @"eyJ[A-Za-z0-9_-]{16,}(?:\.[A-Za-z0-9_-]+)*"
                                @"(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])"
                                @"(?:IQoJ|FwoG|FQoG|AQoD)[A-Za-z0-9+/=_%-]{16,}"
                                @"gh[opsur]_[A-Za-z0-9]{16,}"
                                @"(?:github_pat_|glpat-|gldt-|glrt-|hv[sbr]\.|sk_live_|gAAAAA|dckr_pat_)[A-Za-z0-9_=-]{16,}"
                                @"xox[a-z]-[A-Za-z0-9-]{10,}"
                                @"(?:npm_|pypi-|AIza|ya29\.|dop_v1_|AGE-SECRET-KEY-)[A-Za-z0-9_.-]{30,}"
                            ]
                        )
                        + ")"
                    ]
                ),
                RegexOptions.Singleline ||| RegexOptions.CultureInvariant
            ))

    /// False if no known form is in the text.
    let mayBeIn (text: string) : bool =
        text.AsSpan().IndexOfAny beginnings >= 0

    /// Adds the ranges of the credentials with a known form.
    let addRanges (ranges: ResizeArray<struct (int * int)>) (text: string) : unit =
        if mayBeIn text then
            for found in known.Value.Matches text do
                ranges.Add struct (found.Index, found.Index + found.Length)

    /// True if the text contains a credential with a known form.
    let isKnownIn (text: string) : bool =
        mayBeIn text && known.Value.IsMatch text

    /// The text without credentials that have a known form.
    let mask (text: string) : string =
        let ranges = ResizeArray()
        addRanges ranges text
        Secrets.maskRanges ranges text

    /// True if a word, which is not a path, is a credential or looks random.
    let isCredential (word: string) : bool =
        isKnownIn word || PathTokens.looksRandom word

    /// The fewest hexadecimal digits of a signature: those of HMAC-SHA1.
    [<Literal>]
    let private ShortestHex = 40

    /// The fewest characters of long Base64.
    [<Literal>]
    let private ShortestBase64 = 32

    /// The fewest letters of a word of prose, or of a folder.
    [<Literal>]
    let private ShortestWord = 4

    let private isWordOfPath (part: string) =
        part.Length >= ShortestWord
        && Char.IsAsciiLetter part[0]
        && part.AsSpan(1).IndexOfAnyExceptInRange('a', 'z') < 0

    let private isBase64 (word: string) =
        word.Length >= ShortestBase64
        && not (word.StartsWith '/')
        && Seq.exists Char.IsAsciiDigit word
        && Seq.exists Char.IsAsciiLetterUpper word
        && Seq.exists Char.IsAsciiLetterLower word
        && not (word.Split [| '/'; '_'; '-'; '+'; '=' |] |> Array.exists isWordOfPath)

    let private looksSecret (word: string) =
        word.Length >= ShortestHex && word |> Seq.forall Char.IsAsciiHexDigit
        || isBase64 word
        || not (word.Contains '/') && PathTokens.hasRandomRun word

    let private word =
        lazy (Regex(@"[A-Za-z0-9+/=_~-]{12,}", RegexOptions.CultureInvariant))

    /// The text without words that look like credentials. A word that is in one of the kept texts stays.
    let maskWords (kept: string list) (text: string) : string =
        let ranges = ResizeArray()

        for found in word.Value.Matches text do
            let isKept = kept |> List.exists _.Contains(found.Value, StringComparison.Ordinal)

            if not isKept && looksSecret (found.Value.Trim([| '='; '-'; '_'; '~' |])) then
                ranges.Add struct (found.Index, found.Index + found.Length)

        Secrets.maskRanges ranges text

    let private endsWithinQuery (line: string) =
        let last = line.Substring(line.LastIndexOf ' ' + 1)

        match last.IndexOf '?' with
        | -1 -> false
        | query -> last.Contains "://" && last.IndexOf('=', query) > 0

    let private isContinuation (line: string) =
        line.Length >= Secrets.Shortest
        && not (line.Contains ' ')
        && line.AsSpan().IndexOfAny("0123456789%&=+/") >= 0

    /// The lines without those that continue the query of a URL of the line before.
    let maskContinuations (lines: string list) : string list =
        let mask (within: bool) (line: string) =
            if within && isContinuation (line.Trim()) then
                Secrets.Mask, true
            else
                line, endsWithinQuery (line.TrimEnd())

        List.mapFold mask false lines |> fst
