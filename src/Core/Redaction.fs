namespace CellOS.Export.S3.Core

open System
open System.Buffers
open System.Text

/// Keeps the credentials of a presigned URL out of everything that people or machines read.
///
/// Rules that this module keeps:
/// - the signature is the credential: no value of a secret query parameter, no user info, survives;
/// - names match without regard to case, and however often they are percent-encoded (a URL inside a URL) or
///   escaped as in a JSON string;
/// - in doubt it takes away too much rather than too little.
[<RequireQualifiedAccess>]
module Redaction =

    /// What replaces a secret.
    [<Literal>]
    let Mask = Secrets.Mask

    /// Names of parameters, headers and elements of error documents whose value is a credential, or is made from one;
    /// in lower case. Those whose last word is one of `secretWords` need no entry.
    let private secretNames = [|
        "x-amz-server-side-encryption-customer-key"
        "awsaccesskeyid"
        "googleaccessid"
        "ossaccesskeyid"
        "signatureprovided"
        "stringtosignbytes"
        "stringtosign"
        "canonicalrequestbytes"
        "canonicalrequest"
        "authorization"
        "proxy-authorization"
        "temp_url_sig"
        "temp_url_prefix"
        "q-ak"
    |]

    /// What the names of credentials end with, after a `-` or `_` or alone: `X-Goog-Signature`, `private_token`.
    let private secretWords = [|
        "signature"
        "credential"
        "token"
        "sig"
        "secret"
        "password"
        "apikey"
        "sv"
    |]

    let private matchesAt (text: Unescape.Seen[]) (at: int) (name: string) =
        at + name.Length <= text.Length
        && (let mutable i = 0

            while i < name.Length
                  && Char.ToLowerInvariant text[at + i].Char = Char.ToLowerInvariant name[i] do
                i <- i + 1

            i = name.Length)

    let private isNameChar (c: char) =
        Char.IsAsciiLetterOrDigit c || c = '-' || c = '_'

    let private slice (text: Unescape.Seen[]) (first: int) (stop: int) =
        Unescape.plain text[first .. stop - 1]

    /// The name that begins at `at`, in lower case; empty if another one goes on there.
    let private nameAt (text: Unescape.Seen[]) (at: int) =
        if at > 0 && isNameChar text[at - 1].Char then
            ""
        else
            let mutable stop = at

            while stop < text.Length && isNameChar text[stop].Char do
                stop <- stop + 1

            (slice text at stop).ToLowerInvariant()

    let private isWord (name: string) = Array.contains name secretWords

    let private isSecretName (name: string) =
        Array.contains name secretNames
        || isWord (name.Substring(name.LastIndexOfAny [| '-'; '_' |] + 1))

    /// Headers whose value is a scheme and then the credentials, with blanks between them.
    let private isWholeLine (name: string) =
        name.EndsWith("authorization", StringComparison.Ordinal)

    let private isBlank (c: char) = Char.IsWhiteSpace c || Char.IsControl c

    /// True for what ends a value or a URL in free text.
    let private isEnd (depth: int) (c: Unescape.Seen) =
        c.Depth <= depth
        && (isBlank c.Char || c.Char = '"' || c.Char = '<' || c.Char = '>')

    /// An empty range.
    let private nowhere = struct (0, 0)

    let private isEmpty (struct (first: int, stop: int)) = stop <= first

    let private skipQuotes (text: Unescape.Seen[]) (at: int) =
        let mutable i = at

        while i < text.Length
              && (isBlank text[i].Char || text[i].Char = '"' || text[i].Char = '\'') do
            i <- i + 1

        i

    let private until (stop: Unescape.Seen -> bool) (text: Unescape.Seen[]) (at: int) =
        let mutable i = at

        while i < text.Length && not (stop text[i]) do
            i <- i + 1

        i

    /// Where the value of the name begins that ends at `at`, and where its separator is; (0, 0) if none follows.
    /// `=` `:` `,` (also quoted, also escaped) and `>`, which ends the tag of an XML element, begin a value.
    let private valueStart (text: Unescape.Seen[]) (name: string) (at: int) =
        let separator = skipQuotes text at

        if separator = text.Length then
            nowhere
        else
            match text[separator].Char with
            // 'the token, then': a word of prose.
            | ',' when isWord name && name <> "signature" && name <> "credential" -> nowhere
            | '='
            | ':'
            | ',' -> struct (separator, skipQuotes text (separator + 1))
            | '>' -> struct (separator, separator + 1)
            | _ -> nowhere

    /// Where the value ends that begins at `first`: a blank, a quote, `<`, `>` or `&` ends it; the line or the quote that
    /// it is in ends that of a header with blanks in it; only `<` ends the text of an XML element.
    let private valueStop (text: Unescape.Seen[]) (name: string) (separator: int) (first: int) =
        let depth = text[separator].Depth

        match text[separator].Char with
        | ':'
        | ',' when isWholeLine name ->
            let isQuoted = text[first - 1].Char = '"'
            until (fun c -> c.Char = '\r' || c.Char = '\n' || c.Char = '"' && isQuoted) text first
        | '>' -> until (fun c -> c.Depth <= depth && c.Char = '<') text first
        | _ -> until (fun c -> isEnd depth c || c.Depth <= depth && c.Char = '&') text first

    /// The secret name that begins at `at`, its separator, and where its value begins; none if no separator follows.
    let private secretNameAt (text: Unescape.Seen[]) (at: int) =
        match nameAt text at with
        | name when name <> "" && isSecretName name ->
            match valueStart text name (at + name.Length) with
            | struct (_, 0) -> ValueNone
            | struct (separator, first) -> ValueSome struct (name, separator, first)
        | _ -> ValueNone

    /// The value of the secret name that begins at `at`, if there is one. Where another such name follows in place of
    /// a value, that one's value is the secret.
    let private secretValueAt (text: Unescape.Seen[]) (at: int) =
        match secretNameAt text at with
        | ValueSome struct (name, separator, first) when (secretNameAt text first).IsNone ->
            struct (first, valueStop text name separator first)
        | _ -> nowhere

    /// Where the user info that follows `://` at `at` begins and ends, if there is any.
    let private userInfoAfter (text: Unescape.Seen[]) (at: int) =
        // A password's own '/' or '?' is percent-encoded once more than the URL that it is in.
        let depth = text[at - 1].Depth

        let ends (c: Unescape.Seen) =
            c.Depth <= depth
            && (c.Char = '/'
                || c.Char = '?'
                || c.Char = '#'
                || c.Char = '"'
                || c.Char = '<'
                || c.Char = '>'
                || Char.IsWhiteSpace c.Char)

        let mutable i = at
        let mutable last = -1

        while i < text.Length && not (ends text[i]) do
            if text[i].Char = '@' then
                last <- i

            i <- i + 1

        if last > at then struct (at, last) else nowhere

    /// True if the colon at `at` ends the scheme of a URL that has lost a slash.
    let private endsScheme (text: Unescape.Seen[]) (at: int) =
        at >= 4 && matchesAt text (at - 4) "http:/"
        || at >= 5 && matchesAt text (at - 5) "https:/"

    /// A query in free text: how deep its `?` is percent-encoded, and where its current parameter begins.
    [<Struct>]
    type private Query = { Depth: int; First: int }

    let private endsParameter (query: Query) (c: Unescape.Seen) =
        isEnd query.Depth c || c.Depth <= query.Depth && c.Char = '&'

    /// The secret in a query whose current parameter has its `=`, or ends, at `at`. A parameter without a value is one
    /// only behind a scheme: 'what?no' is prose.
    let private secretInQuery (text: Unescape.Seen[]) (hasScheme: bool) (query: Query) (at: int) =
        if query.First > at then
            nowhere
        elif at < text.Length && text[at].Char = '=' then
            let stop = until (endsParameter query) text (at + 1)

            if QuerySecrets.isHarmless (slice text query.First at) (slice text (at + 1) stop) then
                nowhere
            else
                struct (at + 1, stop)
        elif hasScheme then
            struct (query.First, at)
        else
            nowhere

    /// The original range, without the punctuation that follows a URL in a sentence.
    let private original (text: Unescape.Seen[]) (struct (first: int, stop: int)) =
        let mutable last = stop

        if stop = text.Length || isEnd Int32.MaxValue text[stop] then
            while last > first + 1 && "'.,;)".Contains text[last - 1].Char do
                last <- last - 1

        struct (text[first].From, text[last - 1].Next)

    /// The ranges of the original text to be masked: user info, values of secret names, queries and fragments of URLs,
    /// tokens in paths. In order, and without overlap.
    let private secretRanges (text: Unescape.Seen[]) =
        let ranges = ResizeArray<struct (int * int)>()
        let mutable hasScheme = false
        let mutable query = ValueNone
        let mutable i = 0

        while i <= text.Length do
            let isOver = i = text.Length || isEnd 0 text[i]
            let c = if i < text.Length then text[i].Char else ' '

            let mutable range =
                match query with
                | ValueSome query when
                    isOver
                    || text[i].Depth <= query.Depth && (c = '=' || c = '&')
                    || isEnd query.Depth text[i]
                    ->
                    secretInQuery text hasScheme query i
                | _ -> nowhere

            if isEmpty range && not isOver then
                range <-
                    match c with
                    | ':' when matchesAt text i "://" -> userInfoAfter text (i + 3)
                    // .NET makes one slash of two where it takes a URL for a path.
                    | ':' when endsScheme text i -> userInfoAfter text (i + 2)
                    | '/' -> QuerySecrets.tokenAt text i
                    | '#' when hasScheme -> struct (i + 1, until (isEnd text[i].Depth) text (i + 1))
                    | _ -> secretValueAt text i

            match query with
            | _ when isOver ->
                hasScheme <- false
                query <- ValueNone
            | ValueSome current when isEnd current.Depth text[i] -> query <- ValueNone
            | ValueSome current when text[i].Depth <= current.Depth && (c = '=' || c = '&') ->
                query <-
                    ValueSome {
                        current with
                            First = if c = '&' then i + 1 else Int32.MaxValue
                    }
            | ValueNone when c = '?' -> query <- ValueSome { Depth = text[i].Depth; First = i + 1 }
            | _ -> ()

            if c = ':' && matchesAt text i ":/" then
                hasScheme <- true

            if isEmpty range then
                i <- i + 1
            else
                let struct (_, stop) = range
                ranges.Add(original text range)
                i <- max (i + 1) stop

                match query with
                | ValueSome current when current.First < stop ->
                    query <- ValueSome { current with First = Int32.MaxValue }
                | _ -> ()

        ranges

    /// Without any of these, nothing in a text can be an escape, user info, a value after its name, or a query.
    let private marks = SearchValues.Create "%\\&:=,>?"

    /// Free text (an error message, a log line, a server's response) without user info, without the value of every
    /// secret parameter, and without the queries and fragments of URLs, but for those parameters that say when a URL was
    /// signed, for how long, and which headers it covers.
    [<CompiledName("Text")>]
    let text (value: string) : string =
        if String.IsNullOrEmpty value then
            ""
        elif
            value.AsSpan().IndexOfAny marks < 0
            && not (value.Contains("/p/", StringComparison.OrdinalIgnoreCase))
        then
            value
        else
            Secrets.maskRanges (secretRanges (Unescape.see value)) value

    let private maskParameter (text: string) (parameter: QueryParameter) : string =
        if parameter.First = parameter.Stop || QuerySecrets.isHarmlessAt text parameter then
            text.Substring(parameter.First, parameter.Stop - parameter.First)
        elif QuerySecrets.isBare text parameter then
            Mask
        else
            text.Substring(parameter.First, parameter.Sign + 1 - parameter.First) + Mask

    let private maskQuery (text: string) (first: int) : string =
        let masked = StringBuilder(text, 0, first, text.Length)
        let mutable next = first

        while next <= text.Length do
            let parameter = QueryParameter.at text next
            masked.Append(maskParameter text parameter) |> ignore

            if parameter.Stop < text.Length then
                masked.Append '&' |> ignore

            next <- parameter.Stop + 1

        masked.ToString()

    /// A URL with its user info, its fragment and all query values masked, but for those few that say
    /// when it was signed, for how long, and which headers it covers.
    [<CompiledName("Url")>]
    let url (value: string) : string =
        if String.IsNullOrEmpty value then
            ""
        else
            let beforeFragment =
                match value.IndexOf '#' with
                | -1 -> value
                | i -> value.Substring(0, i)

            match beforeFragment.IndexOf '?' with
            | -1 -> text beforeFragment
            // The name of a parameter may itself hold what looks like one.
            | i -> text (maskQuery beforeFragment (i + 1))

    /// Whether a text that should be a plain name or path may be a URL, or hold a credential: somebody pasted it
    /// into the wrong place. Escapes are seen through.
    [<CompiledName("LooksLikeUrl")>]
    let looksLikeUrl (value: string) : bool =
        if String.IsNullOrEmpty value then
            false
        else
            let seen = Unescape.see value
            let plain = Unescape.plain seen
            let query = plain.IndexOf '?'

            plain.Contains("://", StringComparison.Ordinal)
            || query >= 0 && plain.IndexOf('=', query) > query
            || (secretRanges seen).Count > 0

    /// A text that should be a plain name or path, fit to be shown: where it looks like a URL, all that may be its
    /// query or its fragment is masked, under whatever name a token stands there.
    [<CompiledName("Plain")>]
    let plain (value: string) : string =
        if not (looksLikeUrl value) then
            text value
        else
            match
                Unescape.see value
                |> Array.tryFind (fun seen -> seen.Char = '?' || seen.Char = '#')
            with
            | Some mark -> text (value.Substring(0, mark.Next) + Mask)
            | None -> text value

    /// Shorter values are ignored by `known`: they are not secrets, and appear in any text.
    [<Literal>]
    let ShortestSecret = Secrets.Shortest

    /// The text without the given secrets, in whatever spelling they appear in it (percent-encoded, with the escapes of
    /// JSON or the entities of XML, in any case), and then redacted by name as `text` does. Secrets shorter than
    /// `ShortestSecret` are ignored.
    [<CompiledName("Known")>]
    let known (secrets: string list) (value: string) : string =
        if String.IsNullOrEmpty value then
            ""
        else
            text (Secrets.mask (Secrets.create secrets) value)

    /// The same for secrets that are prepared for the search.
    let internal withoutSecrets (secrets: Secrets) (value: string) : string =
        if String.IsNullOrEmpty value then "" else text (Secrets.mask secrets value)

    /// Every secret of a URL: the values of all parameters that `url` would mask, as they are written there, the parts of
    /// compound values (the access key id at the head of a credential), and tokens in the path: that of a
    /// pre-authenticated request, and segments that look like one.
    [<CompiledName("SecretsOf")>]
    let secretsOf (value: string) : string list =
        let query =
            match value.IndexOf '?' with
            | -1 -> value.Length
            | i -> i + 1

        let path = value.Substring(0, query).TrimEnd '?'

        let token =
            match QuerySecrets.tokenOfPath path with
            | struct (_, 0) -> []
            | struct (first, stop) -> [ value.Substring(first, stop - first) ]

        List.distinct (token @ PathTokens.ofPath path 0 path.Length @ QuerySecrets.ofQuery value query)
