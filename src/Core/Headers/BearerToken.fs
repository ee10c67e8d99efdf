namespace CellOS.Export.S3.Core

/// Bearer tokens (RFC 6750, 2.1). No message contains any part of one.
[<RequireQualifiedAccess>]
module internal BearerToken =

    /// The most characters: more than servers accept in one header.
    [<Literal>]
    let MaxLength = 8192

    /// True if a text is one token: visible ASCII without blanks.
    let isToken (text: string) : bool =
        text <> "" && text |> Seq.forall (fun c -> c > ' ' && c <= '~')

    /// The token in a text, without outer blanks; or why it is not one.
    let parse (text: string) : Result<string, Refusal> =
        let token = text.Trim()

        if not (isToken token) then
            Check.refuse
                "bearer token"
                "contains more than a token: spaces, line breaks or characters outside ASCII"
                "Give the token alone, without 'Bearer'."
        elif token.Length > MaxLength then
            Check.refuse
                "bearer token"
                $"is {token.Length} characters long; {MaxLength} are allowed"
                "Give a shorter one."
        else
            Ok token

    /// The header that carries a token.
    let header (token: string) : RequestHeader =
        RequestHeader.trust "Authorization" ("Bearer " + token)
