using System.Security.Authentication;

namespace CellOS.Export.S3.Http;

/// <summary>
/// A server's certificate was rejected. SslStream's own exception does not say whether that was for the
/// certificate or for the name in it.
/// </summary>
internal sealed class CertificateRejectedException(string message, bool namesAnotherHost)
    : AuthenticationException(message)
{
    internal bool NamesAnotherHost { get; } = namesAnotherHost;
}
