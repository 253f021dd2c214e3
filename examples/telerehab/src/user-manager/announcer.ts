import type { HandlerContext } from '@terabus/core';
import { Logger } from '@terabus/core';
import { inject, injectable } from 'inversify';
import type { Member } from '../contracts/kinds.js';
import { presenceEvent } from '../contracts/presence-event.js';
import { UserManager } from '../contracts/user-manager.contract.js';
import type { Entry } from '../directory/directory.js';
import { Directory } from '../directory/directory.js';

/** Tells everybody who joined and left, by name. */
@injectable()
export class Announcer {
  constructor(
    @inject(Directory) private readonly directory: Directory,
    @inject(Logger) private readonly logger: Logger,
  ) {}

  async announce(member: Member, what: 'joined' | 'left', context: HandlerContext): Promise<void> {
    await context.publish(UserManager.events, presenceEvent(member, what, await this.#find(member)));
  }

  /** A name that can't be found is empty (rule UM-7): what happened matters more than to whom by which name. */
  async #find({ kind, uuid }: Member): Promise<Entry | undefined> {
    try {
      return await this.directory.find(kind, uuid);
    } catch (error) {
      this.logger.warn({ err: error, kind, uuid }, 'the directory gave no name');
      return undefined;
    }
  }
}
