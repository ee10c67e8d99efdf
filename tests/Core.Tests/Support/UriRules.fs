/// The grammar of RFC 3986, appendix A, as far as texts of this project may need it.
module CellOS.Export.S3.Core.Tests.UriRules

open System.Text.RegularExpressions

let private pchar = @"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@]|%[0-9A-Fa-f]{2})"
let private withoutColon = @"(?:[A-Za-z0-9\-._~!$&'()*+,;=@]|%[0-9A-Fa-f]{2})"
let private userinfo = @"(?:[A-Za-z0-9\-._~!$&'()*+,;=:]|%[0-9A-Fa-f]{2})*@"

let private host =
    @"(?:\[[0-9A-Fa-fv.:]+\]|(?:[A-Za-z0-9\-._~!$&'()*+,;=]|%[0-9A-Fa-f]{2})*)"

let private authority = $"//(?:{userinfo})?{host}(?::[0-9]*)?"
let private pathAbempty = $"(?:/{pchar}*)*"
let private pathAbsolute = $"/(?:{pchar}+{pathAbempty})?"
let private end' = $@"(?:\?(?:{pchar}|[/?])*)?(?:#(?:{pchar}|[/?])*)?\z"

let private uri =
    Regex
        $@"\A[A-Za-z][A-Za-z0-9+.\-]*:(?:{authority}{pathAbempty}|{pathAbsolute}|{pchar}+{pathAbempty}|){end'}"

let private relative =
    Regex $@"\A(?:{authority}{pathAbempty}|{pathAbsolute}|{withoutColon}+{pathAbempty}|){end'}"

/// A URI: with a scheme (section 3).
let isUri (text: string) = uri.IsMatch text

/// A URI or a relative reference (section 4.1).
let isReference (text: string) = isUri text || relative.IsMatch text
