namespace CellOS.Export.S3.Core

open System
open System.IO
open System.Net
open System.Text
open System.Text.Json

/// The format of a response's body, by its content type and its first characters.
[<RequireQualifiedAccess>]
type BodyFormat =
    /// HTML or XHTML.
    | Html
    /// JSON.
    | Json
    /// XML that is not an S3 error document.
    | Xml
    /// Any other text.
    | Text
    /// Bytes that are not text.
    | Binary

    /// The format with its article, for a sentence.
    member this.InWords =
        match this with
        | Html -> "an HTML page"
        | Json -> "JSON"
        | Xml -> "XML"
        | Text -> "text"
        | Binary -> "binary data"

/// The body of a response that is not an S3 error document.
type ForeignBody = {
    /// Its format.
    Format: BodyFormat
    /// Its visible text on one line, without markup: `ResponseBody.MaxText` characters at most. It may quote the
    /// request.
    VisibleText: string
    /// True if it reports an error or is a page for people, so that no status makes it a success.
    IsError: bool
}

/// The body of a response, as far as it was read.
[<RequireQualifiedAccess>]
type internal ResponseBody =
    /// No body, or white space alone.
    | Empty
    | S3 of S3Error
    | Foreign of ForeignBody

/// Rules that this module keeps:
/// - an S3 error document is one, whatever its content type says;
/// - a page is HTML by its content type, or by its first tag (WHATWG MIME Sniffing, 7.1); without visible characters it
///   is no page: Swift labels an empty body `text/html`;
/// - a store answers an upload with an empty body. Of other bodies, only plain text, one JSON object that reports no error,
///   and an XML document that is a result count as harmless, as a gateway may send them: a compressed, a cut or a binary one
///   is not;
/// - it takes time in proportion to the body.
[<RequireQualifiedAccess>]
module internal ResponseBody =

    /// The number of characters of a body that are kept at most.
    [<Literal>]
    let MaxText = 2048

    let private startsWith (start: string) (text: ReadOnlySpan<char>) =
        text.StartsWith(start, StringComparison.OrdinalIgnoreCase)

    let private htmlTags = [|
        "!doctype html"
        "html"
        "head"
        "script"
        "iframe"
        "h1"
        "div"
        "font"
        "table"
        "a"
        "style"
        "title"
        "b"
        "body"
        "br"
        "p"
        "meta"
        "center"
        "noscript"
    |]

    /// The text without white space, comments and an XML declaration at its start.
    let rec private fromFirstTag (text: string) (first: int) : int =
        let rest = text.AsSpan(first).TrimStart()
        let at = text.Length - rest.Length

        let behind (stop: string) =
            match text.IndexOf(stop, at, StringComparison.Ordinal) with
            | -1 -> text.Length
            | i -> fromFirstTag text (i + stop.Length)

        if rest.StartsWith "<!--" then behind "-->"
        elif rest.StartsWith "<?xml" then behind "?>"
        else at

    let private beginsAsHtml (text: string) =
        let at = fromFirstTag text 0

        at < text.Length
        && text[at] = '<'
        && htmlTags
           |> Array.exists (fun tag ->
               let rest = text.AsSpan(at + 1)

               startsWith tag rest
               && (rest.Length = tag.Length
                   || Char.IsWhiteSpace rest[tag.Length]
                   || rest[tag.Length] = '>'
                   || rest[tag.Length] = '/'))

    /// The index behind a comment, a script or a style sheet that begins at `at`; -1 if none does.
    let private behindInvisible (markup: string) (at: int) =
        let find (stop: string) =
            match markup.IndexOf(stop, at, StringComparison.OrdinalIgnoreCase) with
            | -1 -> markup.Length
            | i -> i

        let rest = markup.AsSpan at

        if startsWith "<!--" rest then min markup.Length (find "-->" + 3)
        elif startsWith "<script" rest then find "</script"
        elif startsWith "<style" rest then find "</style"
        else -1

    /// The text of HTML or XML without its markup.
    let private withoutMarkup (markup: string) =
        let text = StringBuilder()
        let mutable i = 0

        while i < markup.Length do
            match markup[i] with
            | '<' ->
                match behindInvisible markup i with
                | -1 ->
                    let stop = markup.IndexOf('>', i)
                    i <- if stop < 0 then markup.Length else stop + 1
                | behind -> i <- behind

                text.Append ' ' |> ignore
            | c ->
                text.Append c |> ignore
                i <- i + 1

        nonNull (WebUtility.HtmlDecode(text.ToString()))

    /// The text on one line, with single blanks, `MaxText` characters at most.
    let private visible (text: string) =
        let line = StringBuilder()

        for rune in text.EnumerateRunes() do
            if line.Length < MaxText then
                if Rune.IsWhiteSpace rune || Check.isHidden rune then
                    if line.Length > 0 && line[line.Length - 1] <> ' ' then
                        line.Append ' ' |> ignore
                else
                    line.Append(rune.ToString()) |> ignore

        line.ToString().TrimEnd()

    /// True if the value of an error member says that there is an error.
    let private isSet (value: JsonElement) =
        match value.ValueKind with
        | JsonValueKind.Null
        | JsonValueKind.False
        | JsonValueKind.Undefined -> false
        | JsonValueKind.String -> value.GetRawText() <> "\"\""
        | JsonValueKind.Number -> value.GetRawText() <> "0"
        | JsonValueKind.Array -> value.GetArrayLength() > 0
        | _ -> true

    /// True if a member of the top level reports an error, in one of the dialects of gateways and stores (RFC 9457 has
    /// `title` and `status`).
    let private reportsError (property: JsonProperty) =
        let text () =
            if property.Value.ValueKind = JsonValueKind.String then
                (nonNull (property.Value.GetString())).ToLowerInvariant()
            else
                ""

        match property.Name.ToLowerInvariant() with
        | "error"
        | "errors"
        | "fault"
        | "exception"
        | "__type"
        | "errormessage"
        | "errortype"
        | "errorcode" -> isSet property.Value
        | "success"
        | "ok" -> property.Value.ValueKind = JsonValueKind.False
        | "code"
        | "status"
        | "statuscode" ->
            match property.Value.ValueKind with
            | JsonValueKind.Number -> property.Value.GetDouble() >= 300.
            | JsonValueKind.String ->
                not (List.contains (text ()) [ ""; "0"; "200"; "201"; "ok"; "success"; "done" ])
            | _ -> false
        | _ -> false

    /// True if a JSON body reports an error, or is not one whole object: a store sends none, and a gateway's success is one.
    let private jsonIsError (text: string) =
        try
            use document = JsonDocument.Parse text

            document.RootElement.ValueKind <> JsonValueKind.Object
            || document.RootElement.EnumerateObject() |> Seq.exists reportsError
        with
        // Not JSON, or half of a surrogate pair.
        | :? JsonException
        | :? InvalidOperationException
        | :? ArgumentException -> true

    /// True if an XML document with this root is the result of an operation; every other one reports something else.
    let private isResult (root: string) =
        root.EndsWith("Result", StringComparison.Ordinal)

    /// True if there are control characters among the first ones, as in compressed data.
    let private isBinary (text: string) =
        text
        |> Seq.truncate 512
        |> Seq.exists (fun c -> Char.IsControl c && not (Char.IsWhiteSpace c))

    let private mediaTypeHas (word: string) (contentType: string option) =
        match contentType with
        | Some contentType ->
            let mediaType = contentType.Split(';')[0]
            mediaType.Contains(word, StringComparison.OrdinalIgnoreCase)
        | None -> false

    let private foreign format text isError =
        ResponseBody.Foreign {
            Format = format
            VisibleText = text
            IsError = isError
        }

    let private readText (contentType: string option) (text: string) (isWhole: bool) (parts: XmlParts) =
        let start = text.AsSpan().TrimStart([| ' '; '\t'; '\r'; '\n'; '\ufeff' |])
        let mayBe word = mediaTypeHas word contentType

        if start.IsEmpty then
            // What is missing of a page, or of an error document, is one.
            if not isWhole && mayBe "html" then
                foreign BodyFormat.Html "" true
            else
                ResponseBody.Empty
        elif isBinary text then
            foreign BodyFormat.Binary "" true
        elif mayBe "html" || beginsAsHtml text then
            foreign BodyFormat.Html (visible (withoutMarkup text)) true
        elif start[0] = '{' || start[0] = '[' || mayBe "json" then
            foreign BodyFormat.Json (visible text) (jsonIsError text)
        elif start[0] = '<' || mayBe "xml" then
            let text = visible (withoutMarkup (Redaction.text text))
            foreign BodyFormat.Xml text (not isWhole || not (isResult parts.Root))
        else
            // Text with a tag in it is a page that begins in another way.
            let hasTag =
                text
                |> Seq.pairwise
                |> Seq.exists (fun (c, next) ->
                    c = '<' && (Char.IsAsciiLetter next || next = '!' || next = '/'))

            foreign
                BodyFormat.Text
                (visible (if hasTag then withoutMarkup (Redaction.text text) else text))
                hasTag

    /// Reads the beginning of a body (at most `S3Error.MaxBytes`) with the given content type and content coding. `isWhole`
    /// says whether it is all of the body.
    let read
        (contentType: string option)
        (contentEncoding: string option)
        (body: ReadOnlyMemory<byte>)
        (isWhole: bool)
        : ResponseBody =
        if body.IsEmpty && isWhole then
            ResponseBody.Empty
        elif
            contentEncoding
            |> Option.exists (fun coding ->
                not (coding.Equals("identity", StringComparison.OrdinalIgnoreCase)))
        then
            // Nothing in the request says that it could be read (RFC 9110, 12.5.3).
            foreign BodyFormat.Binary "" true
        else
            let text = S3Error.decode (body.Slice(0, min body.Length S3Error.MaxBytes))
            let parts = S3Error.parts text

            match S3Error.ofParts parts with
            | Some error -> ResponseBody.S3 error
            | None -> readText contentType text isWhole parts
