namespace CellOS.Export.S3.Core

open System

/// Recognizes links that mail filters and chat programs wrote in the place of a URL.
///
/// Rules that this module keeps:
/// - a link is recognized by its host, and by its path where the host also serves other pages;
/// - a message names the program, and contains no part of the link.
[<RequireQualifiedAccess>]
module internal RewrittenLink =

    /// The end of the host's name, the beginning of the path, and the program that writes such links.
    let private rewriters = [|
        "safelinks.protection.outlook.com", "/", "Outlook's Safe Links"
        "safelinks.protection.office365.us", "/", "Outlook's Safe Links"
        "safelinks.protection.outlook.cn", "/", "Outlook's Safe Links"
        "statics.teams.cdn.office.net", "/evergreen-assets/safelinks/", "Microsoft Teams"
        "statics.teams.microsoft.com", "/evergreen-assets/safelinks/", "Microsoft Teams"
        "urldefense.com", "/", "Proofpoint's URL Defense"
        "urldefense.us", "/", "Proofpoint's URL Defense"
        "urldefense.proofpoint.com", "/", "Proofpoint's URL Defense"
        "linkprotect.cudasvc.com", "/", "Barracuda's Link Protection"
        "mimecast.com", "/", "Mimecast's URL Protect"
        "mimecastprotect.com", "/", "Mimecast's URL Protect"
        "secure-web.cisco.com", "/", "Cisco Secure Email"
        "clicktime.symantec.com", "/", "Symantec's Click-time Protection"
        "protection.sophos.com", "/", "Sophos Email"
        "protect.checkpoint.com", "/", "Check Point's Click-Time Protection"
        "url.avanan.click", "/", "Check Point's Click-Time Protection"
        "protect.fireeye.com", "/", "Trellix's URL rewriting"
        "protect2.fireeye.com", "/", "Trellix's URL rewriting"
        "linklock.titanhq.com", "/", "TitanHQ's Link Lock"
        "urlsand.esvalabs.com", "/", "Libraesva's URL Sandbox"
        "www.google.com", "/url", "Google"
        "slack-redir.net", "/", "Slack"
        "l.facebook.com", "/l.php", "Facebook"
        "www.linkedin.com", "/redir/", "LinkedIn"
    |]

    let private isHost (suffix: string) (host: ReadOnlySpan<char>) =
        host.EndsWith(suffix, StringComparison.OrdinalIgnoreCase)
        && (host.Length = suffix.Length || host[host.Length - suffix.Length - 1] = '.')

    /// What wrote the link, if it is one of the known programs. `value` is a URL with its scheme.
    let find (value: string) : Mangling option =
        match UrlAuthority.find value with
        | ValueNone -> None
        | ValueSome { First = first; Stop = stop } ->
            let hostStop =
                match value.IndexOf(':', first, stop - first) with
                | -1 -> stop
                | colon -> colon

            let rec from i =
                if i = rewriters.Length then
                    None
                else
                    let suffix, path, program = rewriters[i]

                    if
                        isHost suffix (value.AsSpan(first, hostStop - first))
                        && (path = "/"
                            || value.AsSpan(stop).StartsWith(path, StringComparison.OrdinalIgnoreCase))
                    then
                        Some {
                            Problem = $"is a link that {program} wrote in the place of the URL"
                            Remedy =
                                "Ask the presigner to send the URL in a file, and not in the text of a message, which such programs rewrite."
                        }
                    else
                        from (i + 1)

            from 0
