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

    /// A query in free text: how deep its `?` is percent-encoded, and where its current parameter begins.
    [<Struct>]
    type private Query = { Depth: int; First: int }

    let private endsParameter (query: Query) (c: Unescape.Seen) =
        FreeText.isEnd query.Depth c || c.Depth <= query.Depth && c.Char = '&'

    /// The secret in a query whose current parameter has its `=`, or ends, at `at`. A parameter without a value is one
    /// behind a scheme, or if it looks like a token: 'what?no' is prose.
    let private secretInQuery (text: Unescape.Seen[]) (hasScheme: bool) (query: Query) (at: int) =
        if query.First > at then
            FreeText.nowhere
        elif at < text.Length && text[at].Char = '=' then
            let stop = FreeText.until (endsParameter query) text (at + 1)

            let name = FreeText.slice text query.First at
            let value = FreeText.slice text (at + 1) stop

            if QuerySecrets.isHarmless name value then FreeText.nowhere
            elif QuerySecrets.isSecretName name then struct (query.First, stop)
            else struct (at + 1, stop)
        elif hasScheme || QuerySecrets.isBareToken (FreeText.slice text query.First at) then
            struct (query.First, at)
        else
            FreeText.nowhere

    /// The original range, without the punctuation that follows a URL in a sentence.
    let private original (text: Unescape.Seen[]) (struct (first: int, stop: int)) =
        let mutable last = stop

        if stop = text.Length || FreeText.isEnd Int32.MaxValue text[stop] then
            while last > first + 1 && "'.,;)".Contains text[last - 1].Char do
                last <- last - 1

        struct (text[first].From, text[last - 1].Next)

    /// The ranges of the original text to be masked: user info, values of secret names, queries and fragments of URLs,
    /// tokens in paths. In order, and without overlap.
    let private secretRanges (text: Unescape.Seen[]) =
        let ranges = ResizeArray<struct (int * int)>()
        let userInfo = UserInfo text
        let mutable hasScheme = false
        let mutable query = ValueNone
        let mutable i = 0

        while i <= text.Length do
            let isOver = i = text.Length || FreeText.isEnd 0 text[i]
            let c = if i < text.Length then text[i].Char else ' '

            let mutable range =
                match query with
                | ValueSome query when
                    isOver
                    || text[i].Depth <= query.Depth && (c = '=' || c = '&')
                    || FreeText.isEnd query.Depth text[i]
                    ->
                    secretInQuery text hasScheme query i
                | _ -> FreeText.nowhere

            if FreeText.isEmpty range && not isOver then
                range <-
                    match c with
                    | ':' ->
                        match userInfo.AfterScheme i with
                        | struct (_, 0) -> userInfo.Around i
                        | found -> found
                    | '/' -> QuerySecrets.tokenAt text i
                    | '#' when hasScheme ->
                        struct (i + 1, FreeText.until (FreeText.isEnd text[i].Depth) text (i + 1))
                    | _ -> NamedSecrets.valueAt text i

            match query with
            | _ when isOver ->
                hasScheme <- false
                query <- ValueNone
            | ValueSome current when FreeText.isEnd current.Depth text[i] -> query <- ValueNone
            | ValueSome current when text[i].Depth <= current.Depth && (c = '=' || c = '&') ->
                query <-
                    ValueSome {
                        current with
                            First = if c = '&' then i + 1 else Int32.MaxValue
                    }
            | ValueNone when c = '?' -> query <- ValueSome { Depth = text[i].Depth; First = i + 1 }
            | _ -> ()

            if c = ':' && FreeText.matchesAt text i ":/" then
                hasScheme <- true

            if FreeText.isEmpty range then
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

    /// The ranges of values whose names, or separators, are in quoted-printable. In it, `=20` of a date is a blank, so
    /// nothing else is looked for.
    let private addQuoted (ranges: ResizeArray<struct (int * int)>) (text: Unescape.Seen[]) =
        let mutable i = 0

        while i < text.Length do
            match NamedSecrets.valueAt text i with
            | struct (first, stop) when stop > first ->
                ranges.Add(original text (struct (first, stop)))
                i <- stop
            | _ -> i <- i + 1

    /// Without any of these, nothing in a text can be an escape, user info, a value after its name, or a query.
    let private marks = SearchValues.Create "%\\&:=,>?"

    /// True if nothing in the text can be a secret.
    let private isHarmless (value: string) =
        value.AsSpan().IndexOfAny marks < 0
        && not (NamedSecrets.mayFollow value)
        && not (CredentialForms.mayBeIn value)

    /// Free text (an error message, a log line, a server's response) without user info, without the value of every
    /// secret parameter, and without the queries and fragments of URLs, but for those parameters that say when a URL was
    /// signed, for how long, and which headers it covers. Credentials with a known form are masked wherever they are.
    [<CompiledName("Text")>]
    let text (value: string) : string =
        if String.IsNullOrEmpty value then
            ""
        elif isHarmless value then
            value
        else
            let seen = Unescape.see value
            let ranges = secretRanges seen

            if Unescape.mayBeQuoted value then
                addQuoted ranges (Unescape.seeQuoted value)

            CredentialForms.addRanges ranges value
            Secrets.maskRanges ranges value

    let private maskParameter (text: string) (parameter: QueryParameter) : string =
        if parameter.First = parameter.Stop || QuerySecrets.isHarmlessAt text parameter then
            text.Substring(parameter.First, parameter.Stop - parameter.First)
        elif QuerySecrets.isBare text parameter then
            Mask
        elif QuerySecrets.isSecretName ((QueryParameter.name text parameter).ToString()) then
            Mask + "=" + Mask
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

    /// The text with the mask in place of user info. A raw `?` or `#` in a password is then none of the URL's.
    let private withoutUserInfo (value: string) : string =
        if
            value.Contains ':'
            || value.Contains '%'
            || value.Contains '\\'
            || value.Contains '&'
        then
            let text = Unescape.see value
            let userInfo = UserInfo text
            let ranges = ResizeArray<struct (int * int)>()
            let mutable i = 0

            while i < text.Length do
                match
                    if text[i].Char <> ':' then
                        FreeText.nowhere
                    else
                        match userInfo.AfterScheme i with
                        | struct (_, 0) -> userInfo.Around i
                        | found -> found
                with
                | struct (_, 0) -> i <- i + 1
                | struct (first, stop) ->
                    ranges.Add struct (text[first].From, text[stop - 1].Next)
                    i <- stop

            Secrets.maskRanges ranges value
        else
            value

    /// A URL with its user info, its fragment and all query values masked, but for those few that say
    /// when it was signed, for how long, and which headers it covers.
    [<CompiledName("Url")>]
    let url (value: string) : string =
        if String.IsNullOrEmpty value then
            ""
        else
            let value = withoutUserInfo value

            let beforeFragment =
                match value.IndexOf '#' with
                | -1 -> value
                | i -> value.Substring(0, i)

            match beforeFragment.IndexOf '?' with
            | -1 -> text beforeFragment
            // The name of a parameter may itself hold what looks like one, and the path a signature.
            | i ->
                let signatures = Secrets.create (QuerySecrets.signatures beforeFragment (i + 1))
                let masked = maskQuery beforeFragment (i + 1)
                text (Secrets.mask signatures (masked.Substring(0, i)) + masked.Substring i)

    /// Whether a text that should be a plain name or path may be a URL, or hold a credential: somebody pasted it
    /// into the wrong place. Escapes are seen through.
    [<CompiledName("LooksLikeUrl")>]
    let looksLikeUrl (value: string) : bool =
        if String.IsNullOrEmpty value || isHarmless value then
            false
        else
            let seen = Unescape.see value
            let plain = Unescape.plain seen
            let query = plain.IndexOf '?'

            plain.Contains("://", StringComparison.Ordinal)
            || query >= 0
               && (plain.IndexOf('=', query) > query
                   || QuerySecrets.isBareToken (plain.Substring(query + 1)))
            || (secretRanges seen).Count > 0

    /// The position of the first value of a secret name.
    let private firstNamed (seen: Unescape.Seen[]) : int voption =
        let mutable i = 0
        let mutable found = ValueNone

        while found.IsNone && i < seen.Length do
            match NamedSecrets.valueAt seen i with
            | struct (first, stop) when stop > first -> found <- ValueSome seen[first].From
            | _ -> i <- i + 1

        found

    /// A text that should be a plain name or path, fit to be shown: where it looks like a URL, all that may be its
    /// query or its fragment is masked, under whatever name a token stands there, and all from the first value of a
    /// secret name on.
    [<CompiledName("Plain")>]
    let plain (value: string) : string =
        if not (looksLikeUrl value) then
            text value
        else
            let value = withoutUserInfo value

            let seen = Unescape.see value

            let mark = seen |> Array.tryFind (fun seen -> seen.Char = '?' || seen.Char = '#')

            match mark, firstNamed seen with
            | Some mark, ValueSome first when mark.From < first -> text (value.Substring(0, mark.Next) + Mask)
            // A line break may have cut the value, so all that follows is masked.
            | _, ValueSome first -> text (value.Substring(0, first) + Mask)
            | Some mark, ValueNone -> text (value.Substring(0, mark.Next) + Mask)
            | None, ValueNone -> text value

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

        let afterHost =
            match path.IndexOf "://" with
            | -1 -> path
            | at -> path.Substring(max 0 (path.IndexOf('/', at + 3)))

        List.distinct (
            token
            @ PathTokens.ofPath path 0 path.Length
            @ ShownPath.valuesIn afterHost
            @ QuerySecrets.ofQuery value query
        )
