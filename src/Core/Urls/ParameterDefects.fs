namespace CellOS.Export.S3.Core

open System

/// What a presigned URL lacks, or what altered it on its way here, so that no store can accept it.
type internal UrlDefect = {
    /// True if a part of the URL is missing, false if a part of it was altered.
    IsIncomplete: bool
    /// True if every store refuses the URL, false if some may accept it.
    IsFatal: bool
    /// A part of a sentence.
    What: string
    /// A sentence.
    Remedy: string
}

/// Compares the parameters of a presigned URL with the form that its scheme demands.
[<RequireQualifiedAccess>]
module internal ParameterDefects =

    let incomplete what remedy = {
        IsIncomplete = true
        IsFatal = true
        What = what
        Remedy = remedy
    }

    let mangled what remedy = {
        IsIncomplete = false
        IsFatal = true
        What = what
        Remedy = remedy
    }

    let copyAgain = "Copy the URL again, as the presigner made it."

    let private hasEscape (value: string) =
        let rec from (at: int) =
            at >= 0
            && at + 2 < value.Length
            && ((Char.IsAsciiHexDigit value[at + 1] && Char.IsAsciiHexDigit value[at + 2])
                || from (value.IndexOf('%', at + 1)))

        from (value.IndexOf '%')

    let private isMask (value: string) =
        value.Trim([| '.'; '*'; 'x'; 'X'; '-'; '_'; '['; ']'; '<'; '>'; '#' |]) = ""
        || value.Contains("redacted", StringComparison.OrdinalIgnoreCase)
        || value.Contains("masked", StringComparison.OrdinalIgnoreCase)
        || value.Equals("signature", StringComparison.OrdinalIgnoreCase)

    /// True if a credential or a token was replaced by a mask, or a part of it, as logs show it: it has no such characters.
    let private isMasked (value: string) =
        value <> ""
        && (isMask value && value.Length >= 3
            || value.Contains "***"
            || value.Contains "..."
            || value.IndexOfAny [| '<'; '…'; '•' |] >= 0
            // A key of AWS with nothing but an X for each of its characters.
            || (value.EndsWith("XX", StringComparison.OrdinalIgnoreCase)
                && value.Length > 4
                && value.TrimEnd('X', 'x').Length <= 4))

    /// The credentials that are masked, as a log or a document shows them.
    let masks (value: string -> string) = [
        for name in
            [
                "X-Amz-Credential"
                "X-Goog-Credential"
                "x-oss-credential"
                "AWSAccessKeyId"
                "GoogleAccessId"
                "OSSAccessKeyId"
                "AccessKeyId"
                "q-ak"
                "X-Amz-Security-Token"
                "x-oss-security-token"
            ] do
            if isMasked ((value name).Split('/')[0]) then
                incomplete
                    $"{name} is masked, as in a log or a document"
                    "Give the URL with the value that the presigner wrote."
    ]

    let signature (scheme: SignatureScheme) (value: string -> string) = [
        let text = value scheme.Signature

        match scheme.Form (value (scheme.Required.Head)) text with
        | Form.Fits -> ()
        | _ when isMask text ->
            incomplete
                $"{scheme.Signature} is masked, as in a log or a document"
                "Give the URL with the signature that the presigner made."
        | _ when hasEscape text ->
            mangled
                $"{scheme.Signature} is percent-encoded twice"
                "Give the URL as the presigner made it: a program encoded it once more."
        | Form.Short expected ->
            incomplete
                $"{scheme.Signature} has {text.Length} characters, and {scheme.Name} demands {expected}: the URL was cut"
                "Copy the URL again, to its end."
        | Form.Wrong expected ->
            mangled
                $"{scheme.Signature} has {text.Length} characters, and {scheme.Name} demands {expected}: the URL was altered or continued"
                copyAgain
    ]

    let private isDigits (value: string) =
        value <> "" && String.forall Char.IsAsciiDigit value

    let lifetime isAws (scheme: SignatureScheme) (value: string -> string) = [
        match scheme.Lifetime with
        | None -> ()
        | Some name ->
            let text = value name

            if not (isDigits text) then
                mangled $"{name} is not a number of seconds" copyAgain
            elif text.TrimStart('0').Length > 6 || int64 text > SignedQuery.MaxExpiresSeconds then
                {
                    mangled
                        $"{name} is over {SignedQuery.MaxExpiresSeconds} seconds: stores refuse a URL that is valid for longer than seven days"
                        "Ask the presigner for a URL that is valid for seven days at most." with
                        IsFatal = isAws
                }
    ]

    /// When it was signed, or when it ends, in the scheme's own words.
    let times (scheme: SignatureScheme) (url: RequestUrl) = [
        let query = url.Query

        let dateOf (name: string) =
            match query.SignedAt with
            | ValueNone -> [ mangled $"{name} is not a time of the form YYYYMMDDTHHMMSSZ" copyAgain ]
            | ValueSome _ -> []

        match scheme.Signature with
        | "X-Amz-Signature" -> yield! dateOf "X-Amz-Date"
        | "X-Goog-Signature" -> yield! dateOf "X-Goog-Date"
        | "x-oss-signature" -> yield! dateOf "x-oss-date"
        | "q-signature" when query.ExpiresAt.IsNone -> mangled "q-sign-time is not a span of time" copyAgain
        | "temp_url_sig" when query.ExpiresAt.IsNone -> mangled "temp_url_expires is not a time" copyAgain
        | "Signature" when query.ExpiresAt.IsNone ->
            mangled "Expires is not a time in seconds since 1970" copyAgain
        | "sig" when query.ExpiresAt.IsNone && (RequestUrl.parameter "se" url).IsSome ->
            mangled "se is not a time of the form YYYY-MM-DDTHH:MM:SSZ" copyAgain
        | _ -> ()
    ]

    let credential (scheme: SignatureScheme) (value: string -> string) = [
        match scheme.Credential with
        | None -> ()
        | Some name ->
            let parts = (value name).Split '/'
            let count = parts.Length
            // Signatures for several regions (SigV4A) name none.
            let isRegional =
                not (
                    (value scheme.Required.Head).StartsWith("AWS4-ECDSA-", StringComparison.OrdinalIgnoreCase)
                )

            let least = if isRegional then 5 else 4

            let date = if count >= least then parts[count - least + 1] else ""

            let isWhole =
                count >= least
                && parts[count - 1] = scheme.Terminator
                && parts |> Array.forall (fun part -> part <> "")
                && date.Length = 8
                && isDigits date

            let region = if isRegional then "REGION/" else ""

            if hasEscape (value name) then
                mangled
                    $"{name} is percent-encoded twice"
                    "Give the URL as the presigner made it: a program encoded it once more ('%25' in the place of '%')."
            elif isMasked parts[0] then
                ()
            elif not isWhole then
                mangled
                    $"{name} is not of the form KEYID/YYYYMMDD/{region}SERVICE/{scheme.Terminator}"
                    copyAgain
            else
                let signedOn =
                    value (name.Replace("Credential", "Date").Replace("credential", "date"))

                if
                    signedOn.Length > 8
                    && isDigits (signedOn.Substring(0, 8))
                    && not (signedOn.StartsWith(date, StringComparison.Ordinal))
                then
                    mangled
                        $"the date in {name} is not the date of the signature"
                        "Copy the URL again: parameters of two URLs were mixed."
    ]

    /// The services whose requests S3's hosts accept.
    let private services = [ "s3"; "s3express"; "s3-outposts"; "s3-object-lambda" ]

    /// Who signed, and for which service (IAM User Guide, "IAM identifiers": keys of temporary credentials begin with
    /// ASIA). Other stores may have keys of their own form.
    let scope isAws (scheme: SignatureScheme) (value: string -> string) = [
        if scheme.Signature = "X-Amz-Signature" then
            let parts = (value "X-Amz-Credential").Split '/'
            let service = if parts.Length >= 4 then parts[parts.Length - 2] else "s3"

            if
                parts[0].StartsWith("ASIA", StringComparison.Ordinal)
                && parts[0].Length >= 16
                && value "X-Amz-Security-Token" = ""
            then
                {
                    incomplete
                        "X-Amz-Credential has a temporary key (ASIA…), and the URL lacks X-Amz-Security-Token, which belongs to it"
                        "Give the whole URL. If it has no token, the presigner must sign with the session token as well as key and secret." with
                        IsFatal = isAws
                }

            if not (List.contains service services) then
                let shown =
                    if service.Length <= 20 && String.forall Char.IsAsciiLetterOrDigit service then
                        $" {Check.quoteWord service}"
                    else
                        ""

                {
                    mangled
                        $"X-Amz-Credential is for the service{shown}, and stores accept only 's3'"
                        "Ask the presigner for a URL for PutObject of S3." with
                        IsFatal = isAws
                }
    ]

    /// What a shared access signature allows (Azure Storage, "Create a service SAS"): a blob is written with `w`, or created
    /// with `c`.
    let permissions (scheme: SignatureScheme) (value: string -> string) = [
        let granted = value "sp"

        if
            scheme.Name = "SAS"
            && granted <> ""
            && not (granted.Contains 'w' || granted.Contains 'c')
        then
            {
                mangled
                    "sp does not permit to write: a PUT of a blob needs 'w' or 'c'"
                    "Ask the presigner for a URL with the permissions to create and write (sp=cw)." with
                    IsFatal = true
            }
    ]

    let securityToken (value: string -> string) = [
        if hasEscape (value "X-Amz-Security-Token") then
            mangled
                "X-Amz-Security-Token is percent-encoded twice"
                "Give the URL as the presigner made it: a program encoded it once more."
    ]

    let signedHeaders (scheme: SignatureScheme) (value: string -> string) = [
        let name =
            match scheme.Signature with
            | "X-Amz-Signature" -> "X-Amz-SignedHeaders"
            | "X-Goog-Signature" -> "X-Goog-SignedHeaders"
            | _ -> ""

        let text = if name = "" then "host" else value name

        if hasEscape text then
            mangled
                $"{name} is percent-encoded twice"
                "Give the URL as the presigner made it: a program encoded it once more ('%25' in the place of '%')."
        elif not ((text.ToLowerInvariant().Split ';') |> Array.contains "host") then
            mangled $"{name} does not name 'host', which every signature covers" copyAgain
    ]

    let algorithm (scheme: SignatureScheme) (value: string -> string) = [
        let isKnown (known: string list) =
            known |> List.contains (value scheme.Required.Head)

        match scheme.Signature with
        | "X-Amz-Signature" when not (isKnown [ "AWS4-HMAC-SHA256"; "AWS4-ECDSA-P256-SHA256" ]) ->
            mangled "X-Amz-Algorithm is not AWS4-HMAC-SHA256" copyAgain
        | "X-Goog-Signature" when not (isKnown [ "GOOG4-RSA-SHA256"; "GOOG4-HMAC-SHA256" ]) ->
            mangled "X-Goog-Algorithm is not GOOG4-RSA-SHA256" copyAgain
        | _ -> ()
    ]
