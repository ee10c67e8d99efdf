namespace CellOS.Export.S3.Core

open System
open System.Text.RegularExpressions

/// Names of artifacts that contain a credential of a URL: programs save a page under its URL, and write other characters for
/// the `?`. A name appears in receipts as it is, and so it appears as it is everywhere; only its refusal protects a credential.
[<RequireQualifiedAccess>]
module internal PastedNames =

    let private regex (pattern: string) =
        lazy (Regex(pattern, RegexOptions.IgnoreCase ||| RegexOptions.CultureInvariant))

    /// Parameters of presigned URLs that no name of a file contains for another reason, with a value.
    let private presigned =
        regex (
            "(?<![a-z0-9])(?:"
            + String.Join(
                '|',
                [
                    "x-amz-signature"
                    "x-amz-credential"
                    "x-amz-security-token"
                    "x-amz-s3session-token"
                    "x-goog-signature"
                    "x-goog-credential"
                    "x-goog-security-token"
                    "x-oss-signature"
                    "x-oss-credential"
                    "x-oss-security-token"
                    "x-cos-security-token"
                    "awsaccesskeyid"
                    "googleaccessid"
                    "ossaccesskeyid"
                    "q-signature"
                    "q-ak"
                    "temp_url_sig"
                ]
            )
            + ")=[a-z0-9+%._~=-]{6,}"
        )

    /// Parameters that a file may be named with, and a value as long as a signature.
    let private signed =
        regex @"(?<![a-z0-9])(?:signature|sig)=(?<value>[a-z0-9+/%_~=-]{20,})"

    let private isSignature (value: string) =
        Seq.exists Char.IsAsciiDigit value
        && Seq.exists Char.IsAsciiLetterUpper value
        && Seq.exists Char.IsAsciiLetterLower value
        || PathTokens.looksRandom value

    /// What ends the value of a parameter in a name that a program made of a URL.
    let private separators = [| '&'; '?'; '@'; ';'; '#'; '/' |]

    /// True if a parameter has the name of a credential, and `shortest` characters or more as its value.
    let private isCredential (shortest: int) (parameter: string) =
        match parameter.IndexOf '=' with
        | -1 -> false
        | at ->
            parameter.Length - at - 1 >= shortest
            && NamedSecrets.isSecretName (parameter.Substring(0, at))

    /// True if a credential, of `shortest` characters or more, follows one of the marks.
    let private followsMark (marks: char[]) (shortest: int) (name: string) =
        match name.IndexOfAny marks with
        | -1 -> false
        | at ->
            (name.Substring(at + 1)).Split separators
            |> Array.exists (isCredential shortest)

    /// True if a name contains user info, a parameter of a presigned URL, or a query with a parameter that has the name of a
    /// credential. Behind a `?` that is one of any length: few names have a `?`, and a short password is one, too.
    let isPasted (name: string) : bool =
        if name.AsSpan().IndexOfAny("=:%\\&") < 0 then
            false
        else
            let seen = Unescape.see name
            let plain = Unescape.plain seen
            let userInfo = UserInfo seen

            let isUserInfo at =
                plain[at] = ':' && not (FreeText.isEmpty (userInfo.AfterScheme at))

            followsMark [| '?' |] 1 plain
            || followsMark [| '&'; '@' |] Secrets.Shortest plain
            || presigned.Value.IsMatch plain
            || signed.Value.Matches plain
               |> Seq.exists (fun found -> isSignature found.Groups["value"].Value)
            || Seq.exists isUserInfo (seq { 0 .. plain.Length - 1 })
