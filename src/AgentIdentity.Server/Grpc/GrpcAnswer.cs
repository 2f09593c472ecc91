using System.Text;
using Grpc.Core;

namespace AgentIdentity.Server.Grpc;

/// <summary>An answer that is only a status, written where no interceptor is: the gRPC protocol's "Trailers-Only".</summary>
internal static class GrpcAnswer
{
    private const string StatusName = "grpc-status";
    private const string MessageName = "grpc-message";

    public static void Write(HttpResponse response, StatusCode code, string message)
    {
        response.StatusCode = StatusCodes.Status200OK;
        response.ContentType = "application/grpc";
        response.Headers[StatusName] = ((int)code).ToString();
        response.Headers[MessageName] = PercentEncoded(message);
    }

    public static void Write(HttpResponse response, CallRefusedException refused)
    {
        Write(response, RefusalStatus.Code(refused.Refusal), refused.Message);
        response.Headers[RefusalStatus.DetailsName] = Convert.ToBase64String(RefusalStatus.Details(refused)).TrimEnd('=');
    }

    public static bool TryReadStatus(HttpResponse response, out Status status)
    {
        status = default;
        if (!int.TryParse(response.Headers[StatusName], out var number))
            return false;
        status = new Status((StatusCode)number, response.Headers[MessageName].ToString());
        return true;
    }

    // As the gRPC protocol writes grpc-message: printable ASCII but for the percent sign.
    private static string PercentEncoded(string message)
    {
        var encoded = new StringBuilder(message.Length);
        foreach (var octet in Encoding.UTF8.GetBytes(message))
            _ = octet is >= 0x20 and <= 0x7e and not (byte)'%' ? encoded.Append((char)octet) : encoded.Append($"%{octet:X2}");
        return encoded.ToString();
    }
}
