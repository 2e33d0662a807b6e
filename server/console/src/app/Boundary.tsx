import { Component, type ReactNode } from "react";

interface BoundaryProps {
  message: string;
  action: string;
  children: ReactNode;
}

/**
 * Says that a part of the console has failed instead of leaving it blank. The usual cause is a part that is loaded
 * late, from a server that has been updated meanwhile: loading the page anew mends it.
 */
export class Boundary extends Component<BoundaryProps, { failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError(): { failed: boolean } {
    return { failed: true };
  }

  override render(): ReactNode {
    if (!this.state.failed) return this.props.children;
    return (
      <div className="empty" role="alert">
        <p>{this.props.message}</p>
        <button type="button" className="button" onClick={() => window.location.reload()}>
          {this.props.action}
        </button>
      </div>
    );
  }
}
