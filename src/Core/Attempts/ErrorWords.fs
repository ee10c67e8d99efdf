namespace CellOS.Export.S3.Core

open System
open System.Text.Json
open System.Text.RegularExpressions

/// What the body of a success says of the upload.
[<RequireQualifiedAccess>]
type BodyMeaning =
    /// It is a page for people, or it reports an error. No status and no digest make it a success.
    | Error
    /// It says neither: compressed or binary data, a document that breaks off or has another format. Only a digest of the
    /// content makes it a success.
    | Unknown
    /// Text, or one JSON object, that reports no error: a gateway may send it, and a store does not.
    | Harmless
    /// The result document that a store sends with a success.
    | Result

/// Finds errors that a body reports in words of its own. Where in doubt it finds one: a store sends no words with a
/// success.
[<RequireQualifiedAccess>]
module internal ErrorWords =

    let private options =
        RegexOptions.IgnoreCase
        ||| RegexOptions.CultureInvariant
        ||| RegexOptions.Compiled

    let private noError =
        Regex(
            @"\b(?:no|0|zero|without(?: any)?)[ _-]?(?:errors?|failures?|exceptions?|warnings?|virus(?:es)?|malware|threats?)\b",
            options
        )

    let private error =
        Regex(
            "error|den(?:y|ied)|forbid|fail|refus|reject|block(?:ed|ing)|prohibit|abort|invalid|illegal|unauthori|unauthenti|"
            + "unable|unavailable|unsupported|unknown|unexpected|unacceptable|exceed|exception|fault|expired|timed?[ -]?out|"
            + "not[ _-]?(?:found|allowed|permitted|authori|authenti|accept|implement|support|stored|available|valid|possible|enough)|"
            + @"\bdropp(?:ed|ing)\b|discard|\bpending\b|malicious|suspicious|withheld|not[ _-]?saved|"
            + "cannot|can't|couldn't|could not|must |missing|required|quarantin|virus|malware|infected|violat|throttl|"
            + @"\bnot\b|n't\b|\bnothing\b|\bnever\b|restrict|quota|limit reached|insufficient|suspended|disabled|captcha|"
            + @"challenge|redirect|queued|scheduled|try again|\bplease\b|skipp|ignored|dry[ -]?run|offline|corrupt|"
            + @"\b(?:ok|success\w*|stored|saved|written|uploaded|accepted)\s*[=:]\s*(?:false|no\b|none\b|null\b|0\b)|"
            + @"too (?:many|large|big|long)|\bfull\b|\bsign[ -]?in|\blog[ -]?in|maintenance|^\s*(?:HTTP/[0-9.]+ )?[45][0-9][0-9]\b",
            options
        )

    /// True if a text reports an error.
    let areIn (text: string) : bool =
        error.IsMatch(noError.Replace(text, ""))

    /// An element of XML whose name speaks of an error.
    let private element =
        Regex(@"<(?:[\w.-]+:)?[\w.-]*(?:error|fault|exception|failure)", options)

    /// True if a text contains an XML element that reports an error.
    let areInMarkup (text: string) : bool = element.IsMatch text

    /// True if the value of an error member says that there is an error.
    let private isSet (value: JsonElement) =
        match value.ValueKind with
        | JsonValueKind.Null
        | JsonValueKind.False
        | JsonValueKind.Undefined -> false
        | JsonValueKind.String ->
            let text = nonNull (value.GetString())

            text <> ""
            && text <> "0"
            && not (List.contains (text.ToLowerInvariant()) [ "false"; "no"; "none"; "null" ])
        | JsonValueKind.Number -> value.GetDouble() <> 0.
        | JsonValueKind.Array -> value.GetArrayLength() > 0
        | _ -> true

    /// The words of a state that are a success, and the codes.
    let private successes =
        set [
            ""
            "0"
            "200"
            "201"
            "204"
            "ok"
            "success"
            "succeeded"
            "successful"
            "done"
            "true"
            "stored"
            "created"
            "uploaded"
            "complete"
            "completed"
        ]

    let private isFailedState (value: JsonElement) =
        match value.ValueKind with
        | JsonValueKind.Number ->
            let number = value.GetDouble()
            number < 0. || number >= 300.
        | JsonValueKind.String -> not (successes.Contains((nonNull (value.GetString())).ToLowerInvariant()))
        | JsonValueKind.False -> true
        | _ -> false

    let private isErrorCode (value: JsonElement) =
        match value.ValueKind with
        | JsonValueKind.Number ->
            let number = value.GetDouble()
            number > 0. && number < 200.
        | _ -> false

    let private isFalse (value: JsonElement) =
        match value.ValueKind with
        | JsonValueKind.False
        | JsonValueKind.Null -> true
        | JsonValueKind.Number -> value.GetDouble() = 0.
        | JsonValueKind.String ->
            let text = (nonNull (value.GetString())).ToLowerInvariant()
            text = "false" || text = "0" || text = "no"
        | _ -> false

    /// True for a member whose text is a name or an identifier, not words.
    let private isName (name: string) =
        match name with
        | "name"
        | "filename"
        | "file"
        | "path"
        | "key"
        | "object"
        | "objectname"
        | "bucket"
        | "url"
        | "uri"
        | "id"
        | "etag"
        | "mimetype"
        | "contenttype" -> true
        | _ -> false

    /// How deep members of members are looked at.
    let private deepest = 8

    /// True for a member whose name speaks of an error.
    let private isOfError (name: string) =
        let has (word: string) =
            name.Contains(word, StringComparison.Ordinal)

        let startsWith (word: string) =
            name.StartsWith(word, StringComparison.Ordinal)

        (List.exists startsWith [ "err"; "fault"; "redirect"; "login"; "missing"; "skipped" ]
         || List.exists has [
             "error"
             "exception"
             "fail"
             "reject"
             "denied"
             "blocked"
             "refused"
             "quarantin"
             "infected"
             "virus"
             "malware"
         ])
        && not (startsWith "failover")

    /// True for a member that says whether there was success.
    let private isOfSuccess (name: string) =
        let bare =
            [ "is"; "was"; "has" ]
            |> List.tryFind (fun prefix -> name.StartsWith(prefix, StringComparison.Ordinal))
            |> Option.map (fun prefix -> name.Substring prefix.Length)
            |> Option.defaultValue name

        match bare with
        | "success"
        | "successful"
        | "succeeded"
        | "ok"
        | "okay"
        | "allowed"
        | "authorized"
        | "authenticated"
        | "stored"
        | "saved"
        | "written"
        | "persisted"
        | "committed"
        | "uploaded"
        | "accepted"
        | "received"
        | "created"
        | "processed"
        | "completed"
        | "complete"
        | "done"
        | "valid"
        | "found"
        | "noerror"
        | "noerrors" -> true
        | _ -> false

    /// True for a member that says how many bytes a server has.
    let private isOfLength (name: string) =
        match name with
        | "bytes"
        | "size"
        | "length"
        | "filesize"
        | "contentlength"
        | "totalbytes" -> true
        | _ ->
            (name.StartsWith("bytes", StringComparison.Ordinal)
             || name.EndsWith("bytes", StringComparison.Ordinal))
            && [ "received"; "stored"; "written"; "uploaded"; "saved" ]
               |> List.exists (fun word -> name.Contains(word, StringComparison.Ordinal))

    let private isZero (value: JsonElement) =
        match value.ValueKind with
        | JsonValueKind.Number -> value.GetDouble() = 0.
        | JsonValueKind.String -> value.GetString() = "0"
        | _ -> false

    /// True if a member reports an error, in one of the dialects of gateways and stores (RFC 9457 has `title`, `detail`
    /// and `status`). `isEmpty`: the file has no bytes.
    let rec private reports (isEmpty: bool) (depth: int) (property: JsonProperty) =
        let value = property.Value

        match property.Name.ToLowerInvariant().Replace("_", "").Replace("-", "") with
        // Of AWS's JSON protocols.
        | "type" when property.Name = "__type" -> isSet value
        | name when isOfSuccess name && value.ValueKind <> JsonValueKind.Object -> isFalse value
        | name when isOfError name -> isSet value
        | name when isOfLength name && isZero value -> not isEmpty
        | "code" -> isFailedState value || isErrorCode value
        | "status"
        | "statuscode"
        | "httpstatus"
        | "state" when value.ValueKind <> JsonValueKind.Object -> isFailedState value
        | "result"
        | "outcome" when value.ValueKind = JsonValueKind.Number -> isFailedState value
        | "result"
        | "outcome"
        | "message"
        | "msg"
        | "detail"
        | "details"
        | "description"
        | "reason"
        | "title" when value.ValueKind = JsonValueKind.String -> areIn (nonNull (value.GetString()))
        | name when value.ValueKind = JsonValueKind.String && not (isName name) ->
            let text = nonNull (value.GetString())
            // Paths and addresses are names.
            not (text.Contains '/') && areIn text
        | _ -> isIn isEmpty (depth + 1) value

    and private isIn (isEmpty: bool) (depth: int) (value: JsonElement) : bool =
        match value.ValueKind with
        | JsonValueKind.Object
        | JsonValueKind.Array when depth > deepest -> true
        | JsonValueKind.Object -> value.EnumerateObject() |> Seq.exists (reports isEmpty depth)
        | JsonValueKind.Array -> value.EnumerateArray() |> Seq.exists (isIn isEmpty (depth + 1))
        | _ -> false

    /// Returns what a JSON text says. Only one whole object says that there is no error. `isEmpty`: the file has no bytes.
    let ofJson (isEmpty: bool) (text: string) : BodyMeaning =
        try
            use document = JsonDocument.Parse text

            match document.RootElement.ValueKind with
            | JsonValueKind.Object when not (isIn isEmpty 0 document.RootElement) -> BodyMeaning.Harmless
            | _ -> BodyMeaning.Error
        with
        // Not JSON, or half of a surrogate pair.
        | :? JsonException
        | :? InvalidOperationException
        | :? ArgumentException -> BodyMeaning.Unknown

    /// True if elements of XML, with their names and texts, report an error as members of JSON would.
    let areInElements (isEmpty: bool) (elements: (string * string) list) : bool =
        JsonLine.write (fun json ->
            for name, text in elements do
                json.WriteString(name, text))
        |> ofJson isEmpty
        |> (<>) BodyMeaning.Harmless
