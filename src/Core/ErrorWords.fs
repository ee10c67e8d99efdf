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
            && not (text.Equals("false", StringComparison.OrdinalIgnoreCase))
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

    /// True if a member reports an error, in one of the dialects of gateways and stores (RFC 9457 has `title`, `detail`
    /// and `status`).
    let rec private reports (depth: int) (property: JsonProperty) =
        let value = property.Value

        match property.Name.ToLowerInvariant().Replace("_", "").Replace("-", "") with
        // Of AWS's JSON protocols.
        | "type" when property.Name = "__type" -> isSet value
        | "error"
        | "errors"
        | "err"
        | "fault"
        | "exception"
        | "exceptions"
        | "failure"
        | "failures"
        | "failed"
        | "errormessage"
        | "errormsg"
        | "errmsg"
        | "errortype"
        | "errorcode"
        | "errcode"
        | "errno"
        | "errordescription"
        | "blocked"
        | "denied"
        | "rejected"
        | "redirect"
        | "redirecturl"
        | "redirecturi"
        | "redirectto"
        | "login"
        | "loginurl"
        | "loginuri" -> isSet value
        | "success"
        | "succeeded"
        | "ok"
        | "allowed"
        | "authorized"
        | "authenticated"
        | "stored" -> isFalse value
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
        | _ -> isIn (depth + 1) value

    and private isIn (depth: int) (value: JsonElement) : bool =
        match value.ValueKind with
        | JsonValueKind.Object
        | JsonValueKind.Array when depth > deepest -> true
        | JsonValueKind.Object -> value.EnumerateObject() |> Seq.exists (reports depth)
        | JsonValueKind.Array -> value.EnumerateArray() |> Seq.exists (isIn (depth + 1))
        | _ -> false

    /// Returns what a JSON text says. Only one whole object says that there is no error.
    let ofJson (text: string) : BodyMeaning =
        try
            use document = JsonDocument.Parse text

            match document.RootElement.ValueKind with
            | JsonValueKind.Object when not (isIn 0 document.RootElement) -> BodyMeaning.Harmless
            | _ -> BodyMeaning.Error
        with
        // Not JSON, or half of a surrogate pair.
        | :? JsonException
        | :? InvalidOperationException
        | :? ArgumentException -> BodyMeaning.Unknown
